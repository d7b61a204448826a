"""What came of a job, in words: the same on the pages and in the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.records import JobState


def note(row: Mapping[str, Any]) -> str:
    """What came of the job of a row of `jobs`: its result's own note where it ended well.

    `result` may be a mapping or its JSON; a job that has not ended well keeps its message.
    """
    message, result = str(row["message"]), row.get("result")
    if isinstance(result, str):
        result = json.loads(result)
    if str(row["state"]) != JobState.DONE or not isinstance(result, Mapping):
        return message
    said = next((str(result[key]) for key in ("note", "summary", "told") if result.get(key)), "")
    if said:
        return said
    words = {"seed": _seeded, "simulate": _sent}.get(str(row["kind"]))
    return words(result) if words and message == "done" else message


def _seeded(result: Mapping[str, Any]) -> str:
    added, present = int(result.get("added") or 0), int(result.get("present") or 0)
    energy = int(result.get("energy_rows") or 0)
    tables = f"{energy:,} rows in the energy tables" if energy else "the energy tables were there"
    if not added:
        return f"nothing to add: all {present:,} requests were there already; {tables}"
    return f"{added:,} requests added to the source {result.get('source', 'seeded')}; {tables}"


def _sent(result: Mapping[str, Any]) -> str:
    sent, errors = int(result.get("requests") or 0), dict(result.get("errors") or {})
    wanted = sent + int(errors.get("not sent in time") or 0)
    head = f"{sent:,} of {wanted:,} requests sent" if wanted > sent else f"{sent:,} requests sent"
    return ", ".join([head, *(f"{int(count):,} {kind}" for kind, count in errors.items())])
