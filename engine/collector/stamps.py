"""How a source writes its times, told from a few of them, and bounds written the same way.

Text compares character by character. Bounds on text are therefore whole seconds without fraction
and zone: "15:00:00" is a prefix of all times within that second, and smaller than each of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from engine.errors import SourceError

_MICROSECONDS_FROM = 1e14
_MILLISECONDS_FROM = 1e11

_TEXT = re.compile(
    r"\d{4}(?P<dash>-?)\d\d(?P=dash)\d\d(?P<separator>[Tt ])\d\d(?P<colon>:?)\d\d(?P=colon)\d\d"
    r"(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?$"
)


class Clockwork(StrEnum):
    """How a source writes its times."""

    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    MICROSECONDS = "microseconds"
    DATETIME = "datetime"
    TEXT = "text"


SCALE = {Clockwork.SECONDS: 1.0, Clockwork.MILLISECONDS: 1e3, Clockwork.MICROSECONDS: 1e6}
"""Units of a time written as a number, in one second."""


class Stamps(msgspec.Struct, frozen=True):
    """One way to write times; `pattern` and `offset_s` (of the zone) matter for text alone."""

    clockwork: Clockwork
    is_zoned: bool = False
    pattern: str = ""
    offset_s: float = 0.0

    def seconds(self, value: object) -> float:
        """Seconds since the epoch; times without a zone are UTC.

        Raises:
            TypeError: no time at all.
            ValueError: a time that is written in no way we know.
        """
        if isinstance(value, str) and self.clockwork in {Clockwork.TEXT, Clockwork.DATETIME}:
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
            return aware.timestamp()
        if isinstance(value, int | float | Decimal) and self.clockwork in SCALE:
            return float(value) / SCALE[self.clockwork]
        raise TypeError(f"{value!r} is no time of the form {self.clockwork}")

    def bound(self, at: float, up: bool = False) -> object:
        """A value to compare the column with; on text the whole second below `at`, or above."""
        if self.clockwork is Clockwork.DATETIME:
            moment = datetime.fromtimestamp(at, UTC)
            return moment if self.is_zoned else moment.replace(tzinfo=None)
        if self.clockwork is Clockwork.TEXT:
            second = math.ceil(at) if up else math.floor(at)
            return datetime.fromtimestamp(second + self.offset_s, UTC).strftime(self.pattern)
        return at * SCALE[self.clockwork]


def stamps_of(values: Sequence[object], column: str) -> Stamps:
    """The way these values of a column are written.

    Raises:
        SourceError: they are no times, or are written in several ways that do not sort together.
    """
    numbers = [float(value) for value in values if isinstance(value, int | float | Decimal)]
    texts = [value for value in values if isinstance(value, str)]
    if numbers and texts:
        raise SourceError(_mixed(column, numbers[0], texts[0]))
    if numbers:
        return Stamps(clockwork_of(max(numbers)))
    moments = [value for value in values if isinstance(value, datetime)]
    if moments:
        return Stamps(Clockwork.DATETIME, moments[0].tzinfo is not None)
    forms = {form: text for text in texts if (form := _text(text)) is not None}
    if not forms:
        raise SourceError(
            f"The column {column} holds {str(values[0])[:60]!r}; the time of a request must be "
            "epoch seconds, milliseconds or microseconds, a DATETIME, or text such as "
            "2024-05-01T12:30:00Z."
        )
    if len(forms) > 1:
        raise SourceError(_mixed(column, *list(forms.values())[:2]))
    return next(iter(forms))


def clockwork_of(newest: float) -> Clockwork:
    """The unit of times written as numbers, told from the size of one."""
    if newest >= _MICROSECONDS_FROM:
        return Clockwork.MICROSECONDS
    return Clockwork.MILLISECONDS if newest >= _MILLISECONDS_FROM else Clockwork.SECONDS


def _text(text: str) -> Stamps | None:
    found = _TEXT.match(text)
    if found is None:
        return None
    try:
        offset = datetime.fromisoformat(text).utcoffset()
    except ValueError:
        return None
    dash, separator, colon = found["dash"], found["separator"], found["colon"]
    pattern = f"%Y{dash}%m{dash}%d{separator}%H{colon}%M{colon}%S"
    return Stamps(Clockwork.TEXT, False, pattern, offset.total_seconds() if offset else 0.0)


def _mixed(column: str, one: object, other: object) -> str:
    return (
        f"The column {column} mixes times such as {one!r} and {other!r}, which do not sort "
        "together; write all of them in one form and one time zone."
    )
