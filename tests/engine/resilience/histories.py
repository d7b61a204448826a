"""A history of a run in which nothing went wrong, made by hand."""

from __future__ import annotations

from engine.resilience.history import Counted, Event, What

MS = 1_000_000
RECORDS = 40
FAULT_AT = 210 * MS
BACK_AT = 280 * MS
"""When the service that the fault ended runs again."""


def good() -> list[Event]:
    """40 records, 10 ms apart; a fault in the middle; two were overwritten."""
    events = [
        Event(1 * MS, "runner", What.PHASE, note="steady"),
        Event(FAULT_AT, "runner", What.PHASE, note="fault"),
        Event(FAULT_AT, "runner", What.INJECTED, note="queue killed", id="1"),
        Event(FAULT_AT + MS, "runner", What.INJECTED, note="network slow", id="2", value=1.0),
        Event(FAULT_AT + 2 * MS, "watch", What.GONE, note="queue 7", id="queue"),
        Event(FAULT_AT + 9 * MS, "runner", What.HEALED, note="network slow", id="2"),
        Event(5 * MS, "watch", What.STATE, note="agent: running", id="agent"),
        Event(215 * MS, "watch", What.STATE, note="agent: starting (killed)", id="agent"),
        Event(BACK_AT, "watch", What.STATE, note="agent: running", id="agent"),
        Event(300 * MS, "runner", What.PHASE, note="after"),
        Event(900 * MS, "runner", What.PHASE, note="end"),
        Event(905 * MS, "runner", What.PROOF, note="late", value=1.0, limit=2.0),
        Event(1 * MS, "runner", What.HANDLES, note="before", id="queue 7", value=8.0),
        Event(901 * MS, "runner", What.HANDLES, note="after", id="queue 7", value=9.0),
        Event(910 * MS, "runner", What.SWEPT),
        Event(2 * MS, "monitor", What.SAMPLE, counted=Counted(1, 0, 0, 0, 0, 0, 0, 0, 0)),
    ]
    for number in range(RECORDS):
        id_, sent = f"p-{number:03d}", (10 + 10 * number) * MS
        taken = sent + 2 * MS
        events += [
            Event(sent, "p", What.OFFERED, id=id_, sent=sent),
            Event(sent + MS, "p", What.ACCEPTED, id=id_, sent=sent),
            Event(sent, "rows", What.RECORDED, id=id_),
            Event(900 * MS, "runner", What.STORED, id=id_),
        ]
        if number in (21, 22):
            events.append(Event(sent + MS, "p", What.OVERWRITTEN, id=id_))
            continue
        handed = {"id": id_, "sent": sent, "accepted": sent + MS, "handed": taken}
        events.append(Event(taken + MS, "c", What.HANDED, **handed))  # type: ignore[arg-type]
        if number == 25:
            handed["handed"] = taken + 2 * MS
            events.append(
                Event(taken + 3 * MS, "c", What.HANDED, again=True, **handed)  # type: ignore[arg-type]
            )
        events.append(Event(taken + 5 * MS, "c", What.ACKNOWLEDGED, id=id_))
    total = Counted(2, 0, 0, RECORDS, 0, RECORDS - 1, RECORDS - 2, 2, 0)
    events.append(Event(905 * MS, "runner", What.SAMPLE, note="final", counted=total))
    return sorted(events, key=lambda event: event.at)
