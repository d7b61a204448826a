"""Writing trained models and their aliases; what belongs together commits together."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from db.rows import Row, Target, transaction, upsert
from db.tables import alias_events, model_aliases, rl_models


def add_model(store: Target, row: Row, place: Callable[[int], Row]) -> int:
    """Keep a new model; returns its number.

    Args:
        store: where.
        row: its columns.
        place: called with the number before the commit, puts the model's files where they belong
            and returns further columns; when it raises, no row remains.
    """

    def write(connection: Connection) -> int:
        made: Any = connection.execute(insert(rl_models).values(**row)).inserted_primary_key
        number = int(made[0])
        further = place(number)
        connection.execute(update(rl_models).where(rl_models.c.id == number).values(**further))
        return number

    return transaction(store, write)


def update_model(store: Target, number: int, **columns: Any) -> bool:  # noqa: ANN401
    """Set columns of a model; False if there is no such model."""

    def write(connection: Connection) -> bool:
        there = select(rl_models.c.id).where(rl_models.c.id == number)
        if connection.execute(there).one_or_none() is None:
            return False
        connection.execute(update(rl_models).where(rl_models.c.id == number).values(**columns))
        return True

    return transaction(store, write)


def remove_model(store: Target, number: int) -> list[str]:
    """Delete a model unless aliases point to it; returns those aliases (empty: it is gone)."""

    def write(connection: Connection) -> list[str]:
        _lock(connection, number)
        pointing = select(model_aliases.c.name).where(model_aliases.c.model == number)
        names = [str(name) for name in connection.execute(pointing).scalars()]
        if not names:
            connection.execute(delete(rl_models).where(rl_models.c.id == number))
        return names

    return transaction(store, write)


def move_alias(
    store: Target, alias: str, expected: int | None, number: int, kind: str, who: str, why: str
) -> bool:
    """Let `alias` point to a model and note it.

    Returns:
        False, and nothing has changed, if the alias no longer points to `expected` or there is no
        such model.
    """

    def write(connection: Connection) -> bool:
        now = select(model_aliases.c.model).where(model_aliases.c.name == alias).with_for_update()
        current = connection.execute(now).scalar_one_or_none()
        if current != expected or not _lock(connection, number):
            return False
        at = time.time()
        upsert(
            connection,
            model_aliases,
            [{"name": alias, "model": number, "who": who[:120], "at": at}],
        )
        event = {"at": at, "alias": alias, "kind": kind, "from_model": current, "to_model": number}
        connection.execute(insert(alias_events).values(**event, who=who[:120], why=why[:400]))
        return True

    return transaction(store, write)


def _lock(connection: Connection, number: int) -> bool:
    """Hold the model's row, so that it is not deleted while an alias moves to it."""
    row = select(rl_models.c.id).where(rl_models.c.id == number).with_for_update()
    return connection.execute(row).scalar_one_or_none() is not None
