"""Writing studies: claiming trials for workers, and keeping what their runs gave.

A trial belongs to the worker that claimed it last. Whoever has lost it to another one (because its
heartbeat stopped for too long) writes nothing more.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from db import statements
from db.rows import Row, Target, transaction, upsert
from db.tables import study_plans, study_runs, study_trials

OPEN, STOPPED = "open", "stopped"
WAITING, RUNNING, DONE, PRUNED, FAILED = "waiting", "running", "done", "pruned", "failed"

_trial = study_trials.c


def add_study(store: Target, row: Row) -> bool:
    """Keep a new study; False, and nothing has changed, if there is one of that name."""

    def write(connection: Connection) -> bool:
        made = statements.insert_or_ignore(connection.dialect.name, study_plans)
        made = made.execution_options(preserve_rowcount=True)
        return bool(connection.execute(made, [row]).rowcount > 0)

    return transaction(store, write)


def update_study(store: Target, name: str, **columns: Any) -> None:  # noqa: ANN401
    """Set columns of a study."""

    def write(connection: Connection) -> None:
        connection.execute(update(study_plans).where(study_plans.c.name == name).values(**columns))

    transaction(store, write)


def remove_study(store: Target, name: str) -> None:
    """Delete a study with its trials and runs."""

    def write(connection: Connection) -> None:
        for table in (study_runs, study_trials):
            connection.execute(delete(table).where(table.c.study == name))
        connection.execute(delete(study_plans).where(study_plans.c.name == name))

    transaction(store, write)


def claim(store: Target, name: str, worker: str, now: float, stale_s: float) -> Row | None:
    """Give `worker` the next trial: one whose worker fell silent, a waiting one, or a new one.

    Args:
        store: where.
        name: of the study.
        worker: who asks.
        now: epoch seconds.
        stale_s: a trial without a heartbeat for so long is taken over, with its finished runs.

    Returns:
        The trial's row; None when the study is stopped, its budget is used up, or there is none.
    """

    def write(connection: Connection) -> Row | None:
        # Whoever holds this row numbers the trials.
        locked = select(study_plans).where(study_plans.c.name == name).with_for_update()
        study = connection.execute(locked).mappings().one_or_none()
        if study is None or study["state"] != OPEN:
            return None
        if study["started_at"] is None:
            connection.execute(
                update(study_plans).where(study_plans.c.name == name).values(started_at=now)
            )
        number = _left(connection, name, now - stale_s)
        mine = {"state": RUNNING, "worker": worker, "beat_at": now, "reason": ""}
        if number is None:
            number = _new(connection, name, dict(study), mine, now)
        else:
            connection.execute(_where(name, number).values(**mine))
        if number is None:
            return None
        row = select(study_trials).where(_trial.study == name, _trial.trial == number)
        return dict(connection.execute(row).mappings().one())

    return transaction(store, write)


def _left(connection: Connection, name: str, silent_since: float) -> int | None:
    forsaken = and_(_trial.state == RUNNING, _trial.beat_at < silent_since)
    found = select(_trial.trial).where(_trial.study == name, or_(_trial.state == WAITING, forsaken))
    return connection.execute(found.order_by(_trial.trial).limit(1)).scalar_one_or_none()


def _new(connection: Connection, name: str, study: Row, mine: Row, now: float) -> int | None:
    """The number of a new trial; None when the budget is used up."""
    newest = select(func.max(_trial.trial)).where(_trial.study == name)
    last = connection.execute(newest).scalar_one_or_none()
    number = 0 if last is None else int(last) + 1
    spec = study["spec"]
    begun = study["started_at"] if study["started_at"] is not None else now
    late = bool(spec["minutes"]) and now >= begun + 60.0 * spec["minutes"]
    if late or (spec["trials"] and number >= spec["trials"]):
        return None
    new = {"study": name, "trial": number, "seeds": spec["seeds"], "runs": 0, "created_at": now}
    connection.execute(insert(study_trials).values(**new, **mine))
    return number


def update_trial(
    store: Target,
    name: str,
    number: int,
    holder: str | None,
    **columns: Any,  # noqa: ANN401
) -> bool:
    """Set columns of a trial; False if it is no longer `holder`'s (None: whoever has it)."""
    columns = {**columns, **_short(columns)}

    def write(connection: Connection) -> bool:
        if not _is_held(connection, name, number, holder):
            return False
        connection.execute(_where(name, number).values(**columns))
        return True

    return transaction(store, write)


def keep_run(
    store: Target,
    run: Row,
    holder: str,
    **columns: Any,  # noqa: ANN401
) -> bool:
    """Keep a run and, with it, columns of its trial; False if the trial is another worker's."""

    def write(connection: Connection) -> bool:
        if not _is_held(connection, run["study"], run["trial"], holder):
            return False
        upsert(connection, study_runs, [run])
        connection.execute(_where(run["study"], run["trial"]).values(**columns))
        return True

    return transaction(store, write)


def wait_again(
    store: Target, name: str, numbers: list[int], seeds: int | None = None, *, afresh: bool = False
) -> int:
    """Let trials that are at rest wait for a worker; `afresh` forgets their runs. How many do."""

    def write(connection: Connection) -> int:
        at_rest = and_(
            _trial.study == name, _trial.trial.in_(numbers), _trial.state.not_in([RUNNING])
        )
        chosen = [int(n) for n in connection.execute(select(_trial.trial).where(at_rest)).scalars()]
        if not chosen:
            return 0
        columns: dict[str, Any] = {"state": WAITING, "worker": "", "reason": ""}
        if seeds is not None:
            columns["seeds"] = seeds
        if afresh:
            columns |= {"runs": 0, "objective": None, "low": None, "high": None}
            gone = study_runs.c.trial.in_(chosen)
            connection.execute(delete(study_runs).where(study_runs.c.study == name, gone))
        these = and_(_trial.study == name, _trial.trial.in_(chosen))
        connection.execute(update(study_trials).where(these).values(**columns))
        return len(chosen)

    return transaction(store, write)


def _where(name: str, number: int) -> Any:  # noqa: ANN401 - an update to be completed
    return update(study_trials).where(_trial.study == name, _trial.trial == number)


def _is_held(connection: Connection, name: str, number: int, holder: str | None) -> bool:
    held = select(_trial.worker).where(_trial.study == name, _trial.trial == number)
    found = connection.execute(held.with_for_update()).scalar_one_or_none()
    return found is not None and (holder is None or found == holder)


def _short(columns: Row) -> Row:
    return {"reason": str(columns["reason"])[:400]} if "reason" in columns else {}
