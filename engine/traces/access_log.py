"""Access logs of web servers: common, combined, and what nginx and Apache can write behind it.

Behind the fields of the combined form a line may hold a request time (nginx's `$request_time`,
seconds with a decimal point; Apache's `%D`, whole microseconds; or `rt=0.12`) and a cache status
(`$upstream_cache_status`: `HIT`, `MISS` …). The first lines tell which of them a log has.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.traces.lines import Block, LineFormat, LineReader, missing
from engine.traces.log_columns import columns_of
from engine.traces.mapping import reads
from engine.traces.options import HIT, KEY, LINE, LOAD, SIZE, TIME
from engine.traces.trace import COLUMN
from engine.traces.values import hits, milliseconds_in, numbers

_QUOTED = r'"(?:[^"\\]|\\.)*"'

_TIMES = (
    (r'(?:\brt=|request_time=)"?(?P<value>\d+(?:\.\d+)?)', "s"),
    (r'(?:^|\s)"?(?P<value>\d+\.\d+)"?(?:\s|$)', "s"),
    (r"^\s+(?P<value>\d+)(?:\s|$)", "us"),
)
"""Where a request time may stand behind the combined form, and in which unit; the first counts."""

_STATUS = r'(?:^|[\s="])(?P<value>HIT|MISS|EXPIRED|STALE|UPDATING|REVALIDATED|BYPASS)(?:$|[\s"])'


class LogLine(LineFormat):
    """One request a line; those whose method only writes are left out, and counted."""

    pattern = (
        r"^\S+ \S+ .*?\[(?P<at>\d{1,2}/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
        r'"(?P<method>[A-Za-z]+) (?P<url>\S+)[^"]*" (?P<code>\d{3}) (?P<bytes>\d+|-)'
        rf"(?: {_QUOTED} {_QUOTED})?(?P<tail>.*)$"
    )
    _time: tuple[str, str] | None = None

    def fields(self, block: Block) -> tuple[dict[str, Any], NDArray[np.int64]]:
        """The fields of plain lines by a quicker way, of the others by the pattern."""
        fields, places = columns_of(block, _PATTERN)
        others = missing(places, len(block))
        if not len(others):
            return fields, places
        rest, found = self.matched([block.lines[at] for at in others.tolist()])
        if not len(places):
            return rest, others[found]
        both = np.concatenate([places, others[found]])
        order = pa.array(np.argsort(both))
        joined = {name: pa.concat_arrays([fields[name], rest[name]]) for name in fields}
        return {name: values.take(order) for name, values in joined.items()}, np.sort(both)

    def columns(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Time, address, size, and request time and cache status where the log has them."""
        is_read = reads(fields["method"], self.faults)
        if not pc.all(is_read).as_py():
            fields = {name: values.filter(is_read) for name, values in fields.items()}
        status = _found(fields["tail"], _STATUS)
        return {
            TIME: pa.array(moments(fields["at"])),
            KEY: fields["url"],
            SIZE: pa.array(np.nan_to_num(numbers(fields["bytes"]))),
            LOAD: self._load_times(fields["tail"]),
            HIT: None if status.null_count == len(status) else pa.array(hits(status)),
            COLUMN + "status": fields["code"],
            LINE: fields[LINE],
        }

    def _load_times(self, tails: Any) -> Any:  # noqa: ANN401 - Arrow arrays
        for pattern, unit in _TIMES if self._time is None else (self._time,):
            found = _found(tails, pattern)
            if found.null_count < len(found):
                self._time = (pattern, unit)
                return pa.array(numbers(found) * milliseconds_in(self.options.unit or unit))
        return None


_PATTERN = re.compile(LogLine.pattern)


def moments(texts: Any) -> NDArray[np.float64]:  # noqa: ANN401 - Arrow strings
    """Times such as 10/Oct/2000:13:55:36 -0700 as seconds since the epoch; NaN for none."""
    encoded = pc.dictionary_encode(texts)  # many lines share a second
    told = np.array([_moment(text) for text in encoded.dictionary.to_pylist()])
    return told[encoded.indices.to_numpy()] if len(told) else np.empty(0)


def _moment(text: str) -> float:
    date, _, rest = text.partition(":")
    clock, _, zone = rest.partition(" ")
    hour, minute, second = clock.split(":")
    return _midnight(date, zone) + 3600 * int(hour) + 60 * int(minute) + int(second)


@lru_cache(maxsize=1000)
def _midnight(date: str, zone: str) -> float:
    try:
        return datetime.strptime(f"{date} {zone}", "%d/%b/%Y %z").timestamp()
    except ValueError:
        return np.nan


def _found(texts: Any, pattern: str) -> Any:  # noqa: ANN401 - Arrow arrays
    return pc.struct_field(pc.extract_regex(texts, pattern), "value")


class AccessLog(LineReader):
    """A web server's access log."""

    form = LogLine
