"""Who saves most: `python -m mock.compare_agents --workloads daily shift --seeds 5`.

Replays generated workloads in simulated time for the learning agent, the heuristic, always-keep
and plain LRU, and prints a table; writes nothing. `--tune agent.exploration=0.2` adds a second
agent with these tunables beside that with the defaults.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Mapping, Sequence

from engine.errors import EngineError
from engine.tunables import Tuned, check
from mock.comparison import POLICIES, TUNED, Outcome, Setup, run
from mock.workloads import WORKLOADS

T_95 = (0.0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.13, 2.09, 2.04)
"""Two-sided 95 % quantiles of Student's t for 1 to 10, 15, 20 and 30 degrees of freedom."""

TITLES = {
    "agent": "agent (Q-learning)",
    TUNED: "agent, as tuned",
    "heuristic": "heuristic",
    "always": "always keep",
    "lru": "plain LRU",
}


class CompareError(EngineError):
    """Raised when a comparison is asked for that makes no sense."""


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half the width of its 95 % confidence interval (0 for a single value)."""
    mean, count = statistics.fmean(values), len(values)
    if count < 2:
        return mean, 0.0
    freedom = count - 1
    place = freedom if freedom <= 10 else 10 + (freedom >= 15) + (freedom >= 20) + (freedom >= 30)
    return mean, T_95[place] * statistics.stdev(values) / math.sqrt(count)


def table(outcomes: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """Lines of one workload's table, the greatest net saving first."""
    lines = [
        f"  {'':<20}{'hit ratio':>18}{'load time saved':>20}{'stale hits':>18}{'net saving, s':>20}"
    ]
    for name in ranking(outcomes):
        runs = outcomes[name]
        cells = [
            _cell([one.hit_ratio * 100 for one in runs], 1, " %"),
            _cell([one.saved_share * 100 for one in runs], 1, " %"),
            _cell([float(one.stale_hits) for one in runs], 0, ""),
            _cell([one.net_ms / 1000 for one in runs], 1, ""),
        ]
        widths = (18, 20, 18, 20)
        row = "".join(f"{c:>{width}}" for c, width in zip(cells, widths, strict=True))
        lines.append(f"  {TITLES[name]:<20}{row}")
    return lines


def ranking(outcomes: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """Policies by mean net saving, the greatest first."""
    return sorted(outcomes, key=lambda name: -statistics.fmean(o.net_ms for o in outcomes[name]))


def verdict(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """Who wins, judged on the differences within each seed, where chance is shared."""
    first, second, *_ = ranking(outcomes)
    ahead, width = lead_of(outcomes[first], outcomes[second])
    lead = f"{ahead:.1f} ± {width:.1f} s ahead of {TITLES[second]}"
    if len(outcomes[first]) < 2:
        return f"{TITLES[first]} is {ahead:.1f} s ahead of {TITLES[second]}; one seed proves little"
    if ahead <= width:
        return f"No winner: {TITLES[first]} is {lead}, which is within chance"
    return f"{TITLES[first]} wins: {lead}"


def lead_of(one: Sequence[Outcome], other: Sequence[Outcome]) -> tuple[float, float]:
    """By how many seconds of net saving one is ahead on the same seeds, and half its interval."""
    return interval([(a.net_ms - b.net_ms) / 1000 for a, b in zip(one, other, strict=True)])


def gained(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """What the given tunables change, on the same seeds."""
    ahead, width = lead_of(outcomes[TUNED], outcomes["agent"])
    word = "more" if ahead >= 0 else "less"
    told = (
        f"As tuned, the agent saves {abs(ahead):.1f} ± {width:.1f} s {word} than with the defaults"
    )
    if len(outcomes[TUNED]) < 2:
        return f"{told}; one seed proves little"
    return told if abs(ahead) > width else f"{told}, which is within chance"


def tuning(given: Sequence[str]) -> Tuned | None:
    """The defaults with `NAME=VALUE` laid over them; None where nothing is given.

    Raises:
        CompareError: no name and value.
        TunableError: no such tunable, or a value that it cannot have.
    """
    values: dict[str, object] = {}
    for word in given:
        name, sign, value = word.partition("=")
        if not sign:
            raise CompareError(f"--tune is {word!r}; write NAME=VALUE, as agent.exploration=0.2.")
        values[name] = check(name, _number(value))
    return Tuned(values) if values else None


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; returns the exit code."""
    options = _options(arguments)
    tuned = Tuned()
    try:
        _check(options)
        other = tuning(options.tune)
        for workload in options.workloads:
            outcomes = _outcomes(workload, options, tuned, other)
            _say(
                f"{workload}: {options.seeds} seeds x {options.minutes:g} min at {options.rate:g} "
                "requests/s, costs modelled; mean ± 95 % interval",
                *table(outcomes),
                f"  {verdict(outcomes)}.",
                *((f"  {gained(outcomes)}.",) if other else ()),
                "",
            )
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    _say(
        f"Net saving = load time saved - reloads ahead - {tuned.number('agent.stale_weight_ms'):g} "
        "ms x stale hits. All have the same capacity.",
        "The agent starts from plain keeping, has learned nothing before and explores in the run.",
    )
    return 0


def _outcomes(
    workload: str, options: argparse.Namespace, tuned: Tuned, other: Tuned | None
) -> dict[str, list[Outcome]]:
    policies = (*POLICIES, TUNED) if other else POLICIES
    outcomes: dict[str, list[Outcome]] = {policy: [] for policy in policies}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        _hint(f"{workload}, seed {seed} …")
        for policy, outcome in run(
            Setup(workload, seed, options.minutes, options.rate), tuned, other=other
        ).items():
            outcomes[policy].append(outcome)
    _hint("")
    return outcomes


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _hint(text: str) -> None:
    """A line of progress that the next one replaces; nothing where nobody watches."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mock.compare_agents", description=__doc__)
    parser.add_argument("--workloads", nargs="+", default=["daily", "shift"], metavar="NAME")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each workload")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20, help="simulated minutes of a run")
    parser.add_argument("--rate", type=float, default=30, help="requests per second")
    parser.add_argument(
        "--tune", nargs="+", default=[], metavar="NAME=VALUE",
        help="tunables of a second agent, beside that with the defaults",
    )  # fmt: skip
    return parser.parse_args(arguments)


def _check(options: argparse.Namespace) -> None:
    for name in options.workloads:
        if name not in WORKLOADS:
            raise CompareError(
                f"There is no workload {name!r}; choose from: {', '.join(WORKLOADS)}."
            )
    for name, low, high in (("seeds", 1, 1000), ("minutes", 1, 1440), ("rate", 0.1, 2000)):
        value = getattr(options, name)
        if not low <= value <= high:
            raise CompareError(f"--{name} is {value:g}; give a number from {low} to {high}.")


def _cell(values: Sequence[float], digits: int, unit: str) -> str:
    mean, width = interval(values)
    return f"{mean:.{digits}f} ± {width:.{digits}f}{unit}"


if __name__ == "__main__":
    raise SystemExit(main())
