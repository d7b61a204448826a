"""Families of interchangeable parts: a visible table `name -> "module:Class"`, resolved on demand.

Listing a family costs nothing, because a member (and torch with it) is imported only when built.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from engine.errors import UnknownName


def resolve(table: Mapping[str, str], name: str, family: str) -> Any:  # noqa: ANN401 - any class
    """Import and return the class behind `name` in `table`.

    Raises:
        UnknownName: no such row; the message lists the choices and the nearest one.
    """
    require(table, name, family)
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)


def require(table: Mapping[str, str], name: str, family: str) -> None:
    """See that `table` has the row `name`, without importing what stands behind it.

    Raises:
        UnknownName: no such row; the message lists the choices and the nearest one.
    """
    if name not in table:
        near = difflib.get_close_matches(name, table, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        choices = ", ".join(sorted(table))
        raise UnknownName(f"There is no {family} {name!r}.{hint} Choose one of: {choices}.")
