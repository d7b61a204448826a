"""Compilation of the inner loops: one door to numba, so that types stay strict everywhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_F = TypeVar("_F", bound=Callable[..., Any])


def compiled(function: _F) -> _F:
    """Compile to machine code at the first call and keep the result on disk beside the module."""
    return cast("_F", njit(cache=True)(function))


def inlined(function: _F) -> _F:
    """The same for small helpers, compiled into whoever calls them."""
    return cast("_F", njit(cache=True, inline="always")(function))
