"""Aliases: names that point to a model, moved by people, and back again.

The history of an alias is a stack: promoting puts a model on it, rolling back takes it off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from db import writes
from db.queries import models as kept_models
from engine.errors import ModelError
from engine.models.registry import Name, checked_folder, model, number_of
from engine.settings import Settings

CHAMPION = "champion"
CHALLENGER = "challenger"
ALIASES = (CHAMPION, CHALLENGER)
"""The aliases that pages offer; a person may give others."""

_FORM = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def promote(
    store: Engine,
    settings: Settings,
    wanted: Name,
    alias: str = CHAMPION,
    who: str = "terminal",
    why: str = "",
) -> int:
    """Let `alias` point to a model whose files are in order; returns the model's number.

    Raises:
        ModelError: no such model, its files are missing or changed, the alias has no usable form,
            or somebody else moved it this moment.
    """
    if not _FORM.fullmatch(alias):
        raise ModelError(
            f"{alias!r} is no alias; give small letters, digits, - or _, a letter first, at most "
            f"40, such as {CHAMPION}."
        )
    row = model(store, wanted)
    number = int(row["id"])
    checked_folder(settings, row)
    current = kept_models.points_to(store, alias)
    if current == number:
        raise ModelError(f"Model {number} is the {alias} already.")
    _move(store, alias, current, number, "promote", who, why)
    return number


def roll_back(
    store: Engine,
    settings: Settings,
    alias: str = CHAMPION,
    who: str = "terminal",
    why: str = "",
) -> int:
    """Let `alias` point to the model it had before; returns that model's number.

    Models deleted since are passed over.

    Raises:
        ModelError: there is no such alias, no earlier model, or its files are not in order.
    """
    current = number_of(store, alias)
    for number in reversed(stack(kept_models.alias_history(store, alias))[:-1]):
        row = kept_models.model_row(store, number)
        if row is not None and number != current:
            checked_folder(settings, row)
            _move(store, alias, current, number, "roll back", who, why)
            return number
    raise ModelError(
        f"The {alias} has no earlier model that still exists; promote another one instead."
    )


def stack(history: Sequence[Mapping[str, Any]]) -> list[int]:
    """The models an alias stands on, the current one last, from its moves, oldest first."""
    standing: list[int] = []
    for event in history:
        number = int(event["to_model"])
        if event["kind"] == "roll back" and number in standing:
            del standing[len(standing) - standing[::-1].index(number) :]
        else:
            standing.append(number)
    return standing


def _move(
    store: Engine, alias: str, current: int | None, number: int, kind: str, who: str, why: str
) -> None:
    if not writes.move_alias(store, alias, current, number, kind, who, why):
        raise ModelError(
            f"The {alias} was moved, or model {number} deleted, by somebody else this moment; "
            "look again and repeat."
        )
