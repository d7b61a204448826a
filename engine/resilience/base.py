"""What a scenario is: parameters with ranges, a load, a fault, and what is then checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec

from engine.broker.place import LIVE
from engine.errors import ResilienceError
from engine.resilience.load import Step, lasting

if TYPE_CHECKING:
    from engine.resilience.pipeline import Pipeline
    from engine.services import Service

Values = Mapping[str, float]

LIMITS: dict[str, float] = {
    "steady_ms": 100.0,
    "late_ms": 50.0,
    "faults": 1,
    "recovery_s": 1.5,
    "settled_ms": 100.0,
    "settled_times": 3.0,
    "back_s": 10.0,
}
"""Thresholds and their defaults: a p95 delay before the fault (ms), how late the generator may be
(ms), how many faults at least, seconds to the next delivery, the p95 delay afterwards (ms, or so
many times that before), and seconds until a service of the live engine runs again."""

SCOPES = ("copy", "live")
"""What may be harmed: a private copy of the pipeline, or the running engine."""

LIVE_WORD = "break"
"""What a person types before the live engine is harmed."""

COMMON = (
    "steady", "generator", "injected", "conservation", "once", "phantom", "duplicates", "order",
    "epochs", "depth", "delays", "recovery", "settled", "healed", "leaks",
)  # fmt: skip


class Parameter(msgspec.Struct, frozen=True):
    """One number that a person may set: its default, that of the quick form, and its range.

    Without a unit it counts something, and is whole.
    """

    name: str
    default: float
    quick: float
    low: float
    high: float
    unit: str
    help: str


class Phases(msgspec.Struct, frozen=True):
    """The load before, during and after the fault."""

    before: Sequence[Step]
    during: Sequence[Step]
    after: Sequence[Step]

    @property
    def steps(self) -> tuple[Step, ...]:
        """All of it."""
        return (*self.before, *self.during, *self.after)

    @property
    def seconds(self) -> float:
        """How long it lasts as intended."""
        return lasting(self.steps)


class Scenario(ABC):
    """One test of the running system. Has no state: all that happens is in the history."""

    title: ClassVar[str]
    question: ClassVar[str]
    """What it finds out, in one sentence."""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    checkers: ClassVar[tuple[str, ...]] = COMMON
    limits: ClassVar[Mapping[str, float]] = {}
    on_live: ClassVar[bool] = False
    """Whether it may also harm the running engine; the load then has a queue of its own there."""
    proxied: ClassVar[bool] = False
    """Whether producer and consumer reach the queue through a proxy that can misbehave."""
    queue: ClassVar[str] = LIVE
    """The queue of producer and consumer; another one where the real services use the live one."""
    skewed: ClassVar[bool] = False
    """Whether the processes' wall clock follows the file `skew`."""
    ready_s: ClassVar[float] = 30.0
    """How long its processes may take to get ready."""
    starts: ClassVar[int] = 12
    """Starts within half a minute after which the supervisor gives a process up."""
    hang_s: ClassVar[float] = 15.0
    """Silence after which the supervisor takes a process for hung."""

    @abstractmethod
    def load(self, values: Values) -> Phases:
        """The load that its parameters ask for."""

    @abstractmethod
    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Inject the fault and heal it; called when the load of `during` begins.

        Raises:
            Untestable: this machine does not allow the fault; the verdict is then unknown.
        """

    def services(self, pipeline: Pipeline) -> tuple[Service, ...]:
        """Processes that this scenario needs besides queue, producer and consumer."""
        _ = pipeline
        return ()

    def look_back(self, pipeline: Pipeline, values: Values) -> None:
        """Note what can only be seen after the drain, while the pipeline still stands."""
        _ = pipeline, values

    def bounds(self, values: Values) -> dict[str, float]:
        """The thresholds; those that depend on parameters are set here."""
        _ = values
        return {**LIMITS, **self.limits}

    def check_scope(self, *, live: bool) -> None:
        """See that it may be run so.

        Raises:
            ResilienceError: it harms private copies only.
        """
        if live and not self.on_live:
            raise ResilienceError(
                f"{self.title} runs on a private copy only; leave out the live scope."
            )

    def values(self, given: Values, *, quick: bool) -> dict[str, float]:
        """Every parameter's value.

        Raises:
            ResilienceError: an unknown name, or a value out of its range.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name, value in given.items():
            if name not in known:
                has = ", ".join(known) or "none at all"
                raise ResilienceError(f"{self.title} has no parameter {name!r}; it has {has}.")
            row = known[name]
            if not row.low <= value <= row.high:
                raise ResilienceError(
                    f"{name} is {value:g} {row.unit}; give {row.low:g} to {row.high:g}."
                )
            if not row.unit and value != int(value):
                raise ResilienceError(f"{name} is {value:g}; give a whole number.")
        return {
            name: float(given.get(name, row.quick if quick else row.default))
            for name, row in known.items()
        }


def scope_of(live: bool) -> str:
    """What is harmed, in a word: live or copy."""
    return SCOPES[live]


class Untestable(ResilienceError):  # noqa: N818 - reads as the sentence it reports
    """Raised when this machine does not allow a fault; nothing was learnt."""
