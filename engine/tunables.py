"""Tunables: what may change while the engine runs, each with range, unit and meaning.

A tunable's value is a row of the store (value, who, when); a service reads all of them once an
interval and works on with what it got.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.agent import AGENTS
from engine.errors import TunableError
from engine.forecast import FORECASTERS

Value = float | int | bool | str


@dataclass(frozen=True, slots=True)
class Tunable:
    """One value that a person may change while the engine runs.

    `low` and `high` bound numbers (both included); `choices` lists the words of a text; `whole`
    numbers have no fraction.
    """

    default: Value
    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    whole: bool = False


TUNABLES: dict[str, Tunable] = {
    "forecast.forecaster": Tunable("lstm", "Forecaster in use", choices=tuple(FORECASTERS)),
    "forecast.interval_s": Tunable(5, "Length of one forecast interval", "s", 1, 300, whole=True),
    "forecast.horizon": Tunable(6, "Intervals forecast ahead", "intervals", 1, 48, whole=True),
    "forecast.window": Tunable(24, "Past intervals the LSTM sees", "intervals", 4, 288, whole=True),
    "forecast.season_s": Tunable(
        300, "Length of the season: a day, in the sample's time", "s", 10, 604800
    ),
    "forecast.hidden_size": Tunable(32, "Hidden size of the LSTM", "units", 4, 512, whole=True),
    "forecast.layers": Tunable(1, "Layers of the LSTM", "layers", 1, 4, whole=True),
    "forecast.retrain_s": Tunable(120, "Pause between two retrainings", "s", 20, 86400),
    "forecast.quantised": Tunable(
        "auto", "Quantised inference on the CPU", choices=("auto", "on", "off")
    ),
    "agent.agent": Tunable("qlearning", "Agent in use", choices=tuple(AGENTS)),
    "agent.model": Tunable(
        "champion",
        "Trained model that the agent 'policy' follows, by its alias",
        choices=("champion", "challenger"),
    ),
    "agent.mode": Tunable(
        "auto",
        "Advise only, or control the cache (auto: control the sample, advise on own sources)",
        choices=("auto", "advise", "control"),
    ),
    "agent.hold": Tunable(False, "Hold: publish no new decisions"),
    "agent.learning_rate": Tunable(0.1, "Learning rate of Q-learning", "", 0.001, 1),
    "agent.exploration": Tunable(0.05, "Exploration rate at the start (epsilon)", "", 0, 1),
    "agent.exploration_min": Tunable(0.02, "Exploration rate at the end", "", 0, 1),
    "agent.exploration_decay": Tunable(
        0.998, "Exploration is multiplied by this at each decision", "", 0.9, 1
    ),
    "agent.discount": Tunable(0.1, "Discount factor of future rewards", "", 0, 0.999),
    "agent.detail": Tunable(
        "full",
        "What the Q-table tells apart",
        choices=("full", "no trend", "no held share", "demand and load"),
    ),
    "agent.ttl_short_s": Tunable(5, "Time to live of 'keep short'", "s", 1, 86400),
    "agent.ttl_long_s": Tunable(90, "Time to live of 'keep long'", "s", 1, 604800),
    "agent.stale_weight_ms": Tunable(5, "Price of one stale hit", "ms", 0, 100000),
    "agent.weight.drop": Tunable(1.0, "Reward weight of 'do not keep'", "", 0, 10),
    "agent.weight.keep_short": Tunable(1.0, "Reward weight of 'keep short'", "", 0, 10),
    "agent.weight.keep_long": Tunable(1.0, "Reward weight of 'keep long'", "", 0, 10),
    "agent.weight.keep_refresh": Tunable(
        1.0, "Reward weight of 'keep and refresh ahead'", "", 0, 10
    ),
    "traffic.rate": Tunable(
        0, "Sample requests per second (0: the deployment setting)", "1/s", 0, 2000
    ),
    "traffic.workload": Tunable(
        "auto",
        "Workload of the sample traffic (auto: the deployment setting)",
        choices=("auto", "zipf", "daily", "bursts", "shift", "scan"),
    ),
}


def check(name: str, value: object) -> Value:
    """Return `value` in the tunable's own type.

    Raises:
        TunableError: there is no such tunable, or the value has the wrong type or range.
    """
    tunable = TUNABLES.get(name)
    if tunable is None:
        raise TunableError(f"There is no tunable {name!r}; choose one of: {', '.join(TUNABLES)}.")
    if tunable.choices:
        if value not in tunable.choices:
            raise TunableError(f"{name} is {value!r}; choose one of: {', '.join(tunable.choices)}.")
        return str(value)
    if isinstance(tunable.default, bool):
        if not isinstance(value, bool):
            raise TunableError(f"{name} is {value!r}; give true or false.")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TunableError(f"{name} is {value!r}; give a number.")
    if (tunable.low is not None and value < tunable.low) or (
        tunable.high is not None and value > tunable.high
    ):
        raise TunableError(
            f"{name} is {value}; give a number from {tunable.low} to {tunable.high}."
        )
    if tunable.whole:
        if value != int(value):
            raise TunableError(f"{name} is {value}; give a whole number.")
        return int(value)
    return value


class Tuned(Mapping[str, Value]):
    """All tunables with the stored values laid over the defaults; stored nonsense is ignored."""

    def __init__(self, stored: Mapping[str, object] | None = None) -> None:
        self._values: dict[str, Value] = {name: t.default for name, t in TUNABLES.items()}
        for name, value in (stored or {}).items():
            try:
                self._values[name] = check(name, value)
            except TunableError:
                continue

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def number(self, name: str) -> float:
        """A numeric tunable as float."""
        return float(self._values[name])

    def whole(self, name: str) -> int:
        """A numeric tunable as int."""
        return int(self._values[name])

    def text(self, name: str) -> str:
        """A tunable as text."""
        return str(self._values[name])

    def flag(self, name: str) -> bool:
        """A yes-or-no tunable."""
        return bool(self._values[name])
