"""The same requests through libcachesim, an independent simulator (GPL: for tests alone)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import libcachesim as lib
import numpy as np

from engine.cache.future import NEVER, next_use
from engine.traces.trace import Requests

_RECORD = np.dtype([("time", "<u4"), ("key", "<u8"), ("size", "<u4"), ("next", "<i8")])


def written(asked: Requests, folder: Path, by_bytes: bool = False) -> str:
    """The requests as an oracleGeneral file, which knows each next request."""
    record = np.zeros(len(asked), _RECORD)
    following = next_use(asked)
    record["key"] = asked.key + 1
    record["size"] = asked.size if by_bytes else 1
    record["next"] = np.where(following == NEVER, -1, following)
    path = folder / "requests.oracleGeneral"
    path.write_bytes(record.tobytes())
    return str(path)


def reader(path: str, by_bytes: bool = False) -> Any:  # noqa: ANN401 - untyped library
    """Reads such a file; each reader can be read once."""
    options = lib.ReaderInitParam(ignore_obj_size=not by_bytes)
    return lib.TraceReader(path, lib.TraceType.ORACLE_GENERAL_TRACE, options)


def hit_ratio(
    policy: str, path: str, capacity: int, own: Mapping[str, object], by_bytes: bool = False
) -> float:
    """Hit ratio of its policy of that name."""
    # Tables of 2**18 in place of 2**24 places, which take longer to clear than these replays.
    cache = getattr(lib, policy)(capacity, hashpower=18, **own)
    return 1.0 - float(cache.process_trace(reader(path, by_bytes))[0])
