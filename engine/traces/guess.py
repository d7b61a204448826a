"""Which format a file has, told from its name and its first lines."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import TraceError
from engine.registry import resolve
from engine.traces import READERS
from engine.traces.access_log import LogLine
from engine.traces.delimited import delimiter_of, first_line, is_number, split
from engine.traces.endings import bare_name
from engine.traces.streams import Stream

_NAMES = (
    ("oraclegeneral", "oracle-general"),
    ("orm-", "orm"),
    ("orm_", "orm"),
    ("web07", "int32"),
    ("web12", "int32"),
    ("scarab", "int64"),
)
"""Parts of names of published binary traces, which say nothing of themselves."""


def format_of(path: Path, given: str = "") -> str:
    """The format of a file: as `given`, else as it looks.

    Raises:
        UnknownName: there is no such format.
        TraceError: there is no such file, it is empty, or nothing tells its format.
    """
    if given:
        resolve(READERS, given, "format")
        return given
    stream = Stream(path)
    try:
        block = stream.peek()
    finally:
        stream.close()
    if not block:
        raise TraceError(f"{path.name} is empty; name a file with requests in it.")
    if block[:4] == b"PAR1":
        return "parquet"
    name = bare_name(path).lower()
    if b"\0" in block:
        found = next((kind for part, kind in _NAMES if part in name), None)
        if found is None:
            raise TraceError(
                f"{path.name} is binary and nothing tells its format; name it with --format, "
                f"one of: {', '.join(sorted(READERS))}."
            )
        return found
    if name.endswith(".lis"):
        return "arc"
    return _of_text(path, block)


def _of_text(path: Path, block: bytes) -> str:
    lines = [line for line in block.decode(errors="replace").split("\n")[:20] if line.strip()]
    matches = pc.match_substring_regex(pa.array(lines, pa.string()), LogLine.pattern)
    if sum(matches.to_pylist()) * 2 > len(lines):
        return "access-log"
    head = first_line(block)
    delimiter = delimiter_of(head)
    values = split(head, delimiter)
    if len(values) > 1:
        return _of_values(values, "#" in head[:1])
    if all(is_number(value) for value in head.split()) and len(head.split()) in {3, 4}:
        return "adaptsize" if len(head.split()) == 3 else "arc"
    raise TraceError(
        f"Nothing tells the format of {path.name} (it begins with {head[:60]!r}); name it with "
        f"--format, one of: {', '.join(sorted(READERS))}."
    )


def _of_values(values: list[str], is_comment: bool) -> str:
    if all(is_number(value) for value in values) and len(values) <= 4:
        return "libcachesim"
    if is_number(values[0]) and len(values) == 7:
        return "twitter"
    return "libcachesim" if is_comment and len(values) <= 4 else "csv"
