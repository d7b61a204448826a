"""Parameters of the sample API: their forms, and one clear sentence for every wrong value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from engine.errors import EngineError
from mock.energy.reference import BRANCHES, MUNICIPALITIES, PRICE_AREAS, PRODUCTION_TYPES
from mock.energy.world import HISTORY_DAYS

EPOCH = date(1970, 1, 1)

Values = dict[str, str]


class BadParameter(EngineError):  # noqa: N818 - reads as the sentence it reports
    """Raised when a request's parameter does not exist or has a value of the wrong form."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: `choices` lists its words; without them it is a date."""

    name: str
    choices: tuple[str, ...] = ()
    default: str = ""
    required: bool = False

    def read(self, text: str) -> str:
        """Return the value in its normal form.

        Raises:
            BadParameter: another value than the parameter allows.
        """
        if self.choices:
            found = next((c for c in self.choices if c.lower() == text.strip().lower()), None)
            if found is None:
                raise BadParameter(
                    f"{self.name} is {text[:40]!r}; choose one of: {', '.join(self.choices)}."
                )
            return found
        try:
            return date.fromisoformat(text.strip()).isoformat()
        except ValueError:
            raise BadParameter(
                f"{self.name} is {text[:40]!r}; write a date as YYYY-MM-DD."
            ) from None


START = Parameter("start")
END = Parameter("end")
AREA = Parameter("price_area", tuple(PRICE_AREAS))
TYPE = Parameter("type", tuple(PRODUCTION_TYPES))
BRANCH = Parameter("branch", tuple(BRANCHES))
MUNICIPALITY = Parameter("municipality", tuple(str(code) for code in MUNICIPALITIES), required=True)
RESOLUTION = Parameter("resolution", ("day", "hour"), "day")


def day_of(text: str) -> int:
    """Days since the epoch of an ISO date."""
    return (date.fromisoformat(text) - EPOCH).days


def date_of(day: int) -> str:
    """The ISO date of a day since the epoch."""
    return (EPOCH + timedelta(days=day)).isoformat()


def read_values(
    parameters: Iterable[Parameter], given: Mapping[str, str], today: Callable[[], int]
) -> Values:
    """Check what was given and lay it over the defaults; dates cover the last week by default.

    Raises:
        BadParameter: an unknown parameter, a value of the wrong form, or a wrong range of dates.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            choices = ", ".join(known) or "none"
            raise BadParameter(f"There is no parameter {name[:40]!r} here; there are: {choices}.")
    for parameter in known.values():
        if parameter.required and parameter.name not in given:
            some = ", ".join(parameter.choices[:5])
            raise BadParameter(f"{parameter.name} is missing; give one such as: {some}.")
    values = {p.name: p.default for p in known.values() if p.default}
    values |= {name: known[name].read(text) for name, text in given.items()}
    if START in known.values():
        _settle_dates(values, today())
    return values


def _settle_dates(values: Values, today: int) -> None:
    values.setdefault("end", date_of(today))
    end = day_of(values["end"])
    values.setdefault("start", date_of(end - 6))
    start = day_of(values["start"])
    if start > end:
        raise BadParameter(f"start {values['start']} lies after end {values['end']}; swap them.")
    oldest = today - HISTORY_DAYS
    if start < oldest or end > today + 1:
        raise BadParameter(
            f"{values['start']} to {values['end']} is not covered; "
            f"choose dates from {date_of(oldest)} to {date_of(today)}."
        )
