"""What an engine and a node of a cluster say to each other: msgpack, so that nobody unpickles."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.execution.parcels import Parcel
from engine.training.curves import Point


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """An order without its trace, which travels by itself.

    Args:
        work: row of WORK.
        options: of the work.
        policies: the files of each.
        checkpoints: the files to go on from.
        keeps: whether checkpoints are made.
    """

    work: str
    options: dict[str, Any]
    policies: list[Parcel] = []
    checkpoints: Parcel = {}
    keeps: bool = False


class End(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended.

    Args:
        told: the outcome's plain values.
        policies: the files of each policy that was trained.
        error: name of the exception; empty: it ended well.
        sentence: what the exception said.
        where: its traceback, where it was no sentence for a person.
        checkpoints: the files as they were at the end.
    """

    told: dict[str, Any] = {}
    policies: list[Parcel] = []
    error: str = ""
    sentence: str = ""
    where: str = ""
    checkpoints: Parcel = {}


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What has happened on the node since it was asked last.

    Args:
        fraction: done, 0 to 1.
        message: what goes on.
        points: new ones of the curves.
        checkpoints: their files, where they changed.
        end: of the work; None while it goes on.
    """

    fraction: float
    message: str
    points: list[Point] = []
    checkpoints: Parcel = {}
    end: End | None = None


def read(data: bytes, kind: type[Any]) -> Any:  # noqa: ANN401 - a `kind`
    """The message in `data`."""
    return msgspec.msgpack.decode(data, type=kind)


def write(message: msgspec.Struct | Parcel) -> bytes:
    """A message as bytes."""
    return msgspec.msgpack.encode(message)
