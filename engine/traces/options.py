"""How recorded requests are to be read, and what their columns are called.

Apart from the readers, because asking for an import needs none of them (nor NumPy, nor Arrow).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

TIME, KEY, NAME, HIT, LOAD, SIZE, LINE = (
    "timestamp", "cache_key", "cache_name", "hit", "load_time_ms", "size_bytes", "line",
)  # fmt: skip

METHOD = "method"
"""Role of a column that tells reads from writes; only reads are requests to a cache."""

ROLES = (TIME, KEY, NAME, HIT, LOAD, SIZE, METHOD)
"""What a column of a file may be said to be."""


class Options(msgspec.Struct, frozen=True):
    """How to read a file or table.

    Args:
        format: one of `READERS`; empty: told from name and content.
        mapping: our name of a column (or `method`) -> the file's name of it; `a+b` adds two.
        unit: of recorded load times: s, ms or us; empty: as the format or the column's name says.
        hash_keys: keep digests in place of keys and endpoint names.
        model_cost: give every key a modelled load time, whatever was recorded.
        seed: of the modelled costs.
    """

    format: str = ""
    mapping: Mapping[str, str] = MappingProxyType({})
    unit: str = ""
    hash_keys: bool = False
    model_cost: bool = False
    seed: int = 0
