"""Compilation of the inner loops: one door to numba, so that types stay strict everywhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher
from numpy.typing import ArrayLike, NDArray

_F = TypeVar("_F", bound=Callable[..., Any])

_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
_sources: dict[int, frozenset[str]] = {}


def compiled(function: _F) -> _F:
    """Compile to machine code at the first call and keep the result on disk beside the module.

    Kept code is dropped when the file changes, or a file whose compiled helpers it calls.
    """
    return cast("_F", _watched(njit(cache=True)(function)))


def helper(function: _F) -> _F:
    """The same for what compiled code alone calls; from Python it cannot be called.

    It needs no wrapper, which for functions of many arrays is most of the time to compile them; and
    it becomes part of its caller, because handing over the arrays takes longer than the work.

    It counts no references to the arrays it is handed, so it must not make or return any: counting
    locks the memory at every use of an array, which took most of the time of a request.
    """
    return cast("_F", _watched(njit(cache=True, forceinline=True, **_INNER)(function)))


def apart(function: _F) -> _F:
    """As `helper`, but called, not merged: for what is long and would be merged in many places."""
    return cast("_F", _watched(njit(cache=True, **_INNER)(function)))


def inlined(function: _F) -> _F:
    """The same for small helpers, compiled into whoever calls them."""
    return cast("_F", _watched(njit(cache=True, inline="always")(function)))


def settled(values: ArrayLike, kind: type[np.generic]) -> NDArray[Any]:
    """The same values as every compiled function takes them: contiguous, of `kind`, read-only.

    A writable and a read-only array are two types to the compiler, and would be compiled for twice.
    """
    view = np.ascontiguousarray(values, kind).view()
    view.flags.writeable = False
    return view


def _watched(made: Any) -> Any:  # noqa: ANN401 - the place kept code knows no public way to
    """Extend numba's stamp, which knows the function's own file alone, by its helpers' and this."""
    if not hasattr(made, "py_func"):  # NUMBA_DISABLE_JIT: a plain function
        return made
    function = made.py_func
    files = frozenset({__file__, function.__code__.co_filename}).union(
        *(_sources.get(id(helper), frozenset()) for helper in _within_reach(function.__globals__))
    )
    _sources[id(made)] = files
    made._cache._cache_file._source_stamp = _stamp(files)
    return made


def _within_reach(names: Mapping[str, Any]) -> Iterator[Dispatcher]:
    """What a function may call, by its own name or as `module.name`."""
    for value in names.values():
        among = vars(value).values() if isinstance(value, ModuleType) else (value,)
        yield from (each for each in among if isinstance(each, Dispatcher))


@cache
def _stamp(files: frozenset[str]) -> bytes:
    told = hashlib.sha256()
    for file in sorted(files):
        told.update(Path(file).read_bytes())
    return told.digest()
