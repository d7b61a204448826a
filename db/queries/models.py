"""Trained models, the aliases that point to them, and how those moved."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from db.queries.run import Readable, Rows, first, rows
from db.tables import alias_events, model_aliases
from db.tables import rl_models as model

_LARGE = {"policy", "reward_history", "hit_rate_history"}


def models(store: Readable, limit: int = 500) -> Rows:
    """The newest models, newest first, without their curves and exported bytes."""
    columns = [column for column in model.c if column.name not in _LARGE]
    return rows(store, select(*columns).order_by(model.c.id.desc()).limit(limit))


def model_row(store: Readable, number: int) -> dict[str, Any] | None:
    """One model with its curves but without its exported bytes, or None."""
    columns = [column for column in model.c if column.name != "policy"]
    return first(store, select(*columns).where(model.c.id == number))


def exported(store: Readable, number: int) -> bytes | None:
    """The bytes of the model's exported `policy.pt`; None if it was never exported."""
    found = first(store, select(model.c.policy).where(model.c.id == number))
    return None if found is None else found["policy"]


def aliases(store: Readable, limit: int = 100) -> Rows:
    """Every alias, the model it points to, and who moved it when."""
    return rows(store, select(model_aliases).order_by(model_aliases.c.name).limit(limit))


def points_to(store: Readable, alias: str) -> int | None:
    """The number of an alias's model; None where nobody promoted one."""
    wanted = select(model_aliases.c.model).where(model_aliases.c.name == alias)
    found = first(store, wanted)
    return None if found is None else int(found["model"])


def alias_history(store: Readable, alias: str, limit: int = 1000) -> Rows:
    """How an alias moved, oldest first; the newest `limit` moves."""
    wanted = select(alias_events).where(alias_events.c.alias == alias)
    return rows(store, wanted.order_by(alias_events.c.id.desc()).limit(limit))[::-1]
