"""Who acts, and whether they may: asked at the action itself, whatever face it came through.

A face that knows its users says who acts with `acting`; whoever has a shell on this machine is
an operator.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import NotAllowed
from engine.settings import Settings


class Role(StrEnum):
    """What somebody may do: look, or also change."""

    VIEWER = "viewer"
    OPERATOR = "operator"


class Actor(msgspec.Struct, frozen=True):
    """Somebody who asks for something.

    Args:
        role: what they may do.
        name: what the audit notes; empty: the face's own name for who it is.
        is_remote: may be on another machine, so that this one's files are none of theirs.
        remedy: what a viewer is told to do instead.
    """

    role: Role = Role.OPERATOR
    name: str = ""
    is_remote: bool = False
    remedy: str = "ask with an operator's token."


LOCAL = Actor()
"""Whoever has a shell on this machine."""

_acting: ContextVar[Actor] = ContextVar("acting", default=LOCAL)


def actor() -> Actor:
    """Who acts now."""
    return _acting.get()


@contextlib.contextmanager
def acting(somebody: Actor) -> Iterator[None]:
    """Everything inside is done by `somebody`."""
    before = _acting.set(somebody)
    try:
        yield
    finally:
        _acting.reset(before)


def require_operator(action: str) -> None:
    """Refuse a viewer.

    Raises:
        NotAllowed: who acts may only look.
    """
    if actor().role is not Role.OPERATOR:
        raise NotAllowed(f"A viewer may not {action}; {actor().remedy}")


def confined(params: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Parameters of a job, each upload that is named found; from afar, nothing but uploads is.

    Raises:
        NotAllowed: a file lies elsewhere, by its path or by a link.
    """
    root = settings.data_path / "uploads"
    found = dict(params)
    for name in ("file", "trace"):
        text = str(found.get(name) or "")
        path, upload = Path(text), root / text
        if not text or (name == "trace" and len(path.parts) == 1 and not path.is_file()):
            continue
        inside = ".." not in path.parts and upload.resolve().is_relative_to(root.resolve())
        if actor().is_remote and not inside:
            raise NotAllowed(
                f"{name} is {text[:80]!r}, a file of this machine; name one among its uploads."
            )
        if actor().is_remote or (inside and not path.exists() and upload.is_file()):
            found[name] = str(upload)
    return found
