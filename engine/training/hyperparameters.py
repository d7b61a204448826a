"""What may be set about a training: names, defaults, ranges, and the check of what was given.

Every algorithm's file holds a struct of these; its annotations are the one place where a range
stands. Names are those of stable-baselines3, which users know.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from engine.errors import TrainingError

H = TypeVar("H", bound="Hyperparameters")


def between(low: float, high: float, text: str) -> msgspec.Meta:
    """The annotation of a number: its smallest and largest value, and what it means."""
    return msgspec.Meta(ge=low, le=high, description=text)


class Hyperparameters(msgspec.Struct, frozen=True, kw_only=True):
    """What all algorithms share; the defaults suit items that wait in a cache."""

    learning_rate: Annotated[float, between(1e-7, 1.0, "Step of the optimiser at the start")] = 5e-4
    schedule: Annotated[
        Literal["linear", "constant"],
        msgspec.Meta(description="Course of the learning rate; linear falls to a twentieth"),
    ] = "linear"
    gamma: Annotated[float, between(0.0, 1.0, "Discount factor of a decision's successor")] = 0.95
    max_grad_norm: Annotated[float, between(1e-3, 1e3, "Longest gradient")] = 0.5
    hidden_1: Annotated[int, between(4, 512, "Units of the first hidden layer")] = 32
    hidden_2: Annotated[int, between(4, 512, "Units of the second hidden layer")] = 16
    slots: Annotated[int, between(1, 4096, "Environments that step together")] = 256
    warm_start: Annotated[
        float, between(0.0, 100.0, "Strength of the hazard index as a start; 0 starts cold")
    ] = 1.0

    def conflict(self, timesteps: int) -> str:
        """What in these values excludes each other for so many steps; empty where nothing does."""
        if timesteps < self.slots:
            return (
                f"timesteps is {timesteps}, fewer than the {self.slots} slots that step at once; "
                "train longer or with fewer slots"
            )
        return ""

    def rate(self, remaining: float) -> float:
        """The learning rate when `remaining` (1 to 0) of the training lies ahead."""
        share = max(0.05, remaining) if self.schedule == "linear" else 1.0
        return self.learning_rate * share


class Parameter(msgspec.Struct, frozen=True):
    """One hyperparameter as pages, commands and documents show it."""

    name: str
    kind: str
    default: float | int | str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    help: str

    @property
    def range(self) -> str:
        """The allowed values in words."""
        if self.choices:
            return " or ".join(self.choices)
        whole = "a whole number" if self.kind == "int" else "a number"
        return f"{whole} from {_told(self.low)} to {_told(self.high)}"

    def checked(self, value: object) -> Any:  # noqa: ANN401 - whichever kind this one has
        """The value in this parameter's kind.

        Raises:
            TrainingError: it is of another kind or outside the range.
        """
        if self.choices:
            if value in self.choices:
                return value
        elif (number := _number(value)) is not None and self.low is not None:
            whole = self.kind != "int" or number == int(number)
            if whole and self.low <= number <= (self.high or 0.0):
                return int(number) if self.kind == "int" else number
        raise TrainingError(f"{self.name} is {value!r}; give {self.range}.")


def parameters(kind: type[Hyperparameters]) -> tuple[Parameter, ...]:
    """All hyperparameters of one algorithm, in the order of its struct."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        _parameter(field.name, hints[field.name], field.default)
        for field in msgspec.structs.fields(kind)
    )


def checked(kind: type[H], given: Mapping[str, object]) -> H:
    """An algorithm's hyperparameters: those given, the defaults for the rest.

    Raises:
        TrainingError: an unknown name, or a value outside its range; the sentence names the range.
    """
    known = {parameter.name: parameter for parameter in parameters(kind)}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise TrainingError(
                f"There is no hyperparameter {name!r}.{hint} Choose among: {', '.join(known)}."
            )
        values[name] = known[name].checked(value)
    return kind(**values)


def _parameter(name: str, hint: object, default: Any) -> Parameter:  # noqa: ANN401
    base, *notes = get_args(hint)
    meta = next(note for note in notes if isinstance(note, msgspec.Meta))
    choices = tuple(get_args(base)) if get_origin(base) is Literal else ()
    kind = "choice" if choices else base.__name__
    return Parameter(name, kind, default, meta.ge, meta.le, choices, meta.description or "")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _told(number: float | None) -> str:
    if number is None:
        return "any"
    return f"{int(number):,}" if number == int(number) else f"{number:g}"
