"""What `train` takes on the command line, read into `TrainWanted`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from engine.errors import TrainingError


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a training."""
    parser.add_argument("trace", nargs="?", default="", metavar="TRACE|FILE", help=_TRACE)
    parser.add_argument("--source", default="", metavar="NAME", help="rows of a source instead")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="first N requests alone")
    parser.add_argument("--algorithm", default="default", metavar="NAME", help=_ALGORITHM)
    parser.add_argument("--environment", default="slot-rent", metavar="NAME", help=_WORLD)
    parser.add_argument("--cache-size", default="1%", metavar="N|P%", help=_SIZE)
    parser.add_argument("--bytes", action="store_true", help="the cache size counts bytes")
    parser.add_argument("--timesteps", type=int, default=0, metavar="N", help=_STEPS)
    parser.add_argument("--seeds", default="1", metavar="N|A,B,…", help=_SEEDS)
    parser.add_argument("--columns", default="", metavar="A,B,…", help="of the trace, as features")
    parser.add_argument(
        "--objective", default="", metavar="AIM", help="hits, cost or bytes; default: " + _AIM
    )
    parser.add_argument("--weights", default="", metavar="METRIC=W,…", help=_WEIGHTS)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=_SET)
    parser.add_argument("--device", default="cpu", metavar="NAME", help="cpu, cuda or auto")
    parser.add_argument("--evaluations", type=int, default=10, metavar="N", help=_TRIALS)
    parser.add_argument("--patience", type=int, default=5, metavar="N", help=_PATIENCE)
    parser.add_argument("--name", default="", help="of the models")
    parser.add_argument("--no-evaluation", action="store_true", help="train only")


_TRACE = "a stored trace, or a file of any known format"
_ALGORITHM = "ppo, dqn, a2c, or default: ppo and dqn under a guard"
_WORLD = "slot-rent (default) or admission"
_STEPS = "decisions that each algorithm learns from; default: its own number"
_TRIALS = "on the validation part while it learns; default 10"
_PATIENCE = "end after so many trials without a better one (default 5); 0: never"
_SIZE = "results (or bytes), or a share of the distinct ones; default 1%%"
_SEEDS = "how many, or which; one model each"
_AIM = "cost where it was measured, else hits"
_WEIGHTS = "worth of a hit, e.g. load_time_ms=1,size_bytes=0.2"
_SET = "a hyperparameter, e.g. gamma=0.9 or ppo.n_steps=64; --hyperparameters lists them"


def wanted_of(given: argparse.Namespace) -> Any:  # noqa: ANN401 - TrainWanted, imported when needed
    """The training that was asked for.

    Raises:
        TrainingError: a value is not of its form.
    """
    from engine.actions.training import TrainWanted

    return TrainWanted(
        trace=given.trace,
        source=given.source,
        limit=given.limit,
        algorithm=given.algorithm,
        environment=given.environment,
        cache_size=given.cache_size,
        by_bytes=given.bytes,
        timesteps=given.timesteps,
        seeds=seeds_of(given.seeds),
        columns=tuple(filter(None, given.columns.split(","))),
        objective=given.objective,
        cache_weights=pairs_of(filter(None, given.weights.split(","))),
        hyperparameters=pairs_of(given.set),
        device=given.device,
        evaluations=given.evaluations,
        patience=given.patience,
        name=given.name,
        evaluated=not given.no_evaluation,
    )


def seeds_of(text: str) -> tuple[int, ...]:
    """The seeds of a text: "5" is 0 to 4; "3,7" (or "3,") are those themselves.

    Raises:
        TrainingError: it is neither, or more than anybody trains.
    """
    from engine.training.options import MOST_SEEDS

    try:
        if "," in text:
            return tuple(int(part) for part in text.split(",") if part)
        count = int(text)
    except ValueError:
        raise TrainingError(
            f"--seeds is {text!r}; give how many, or which, separated by commas."
        ) from None
    if not 1 <= count <= MOST_SEEDS:
        raise TrainingError(f"--seeds is {count}; give 1 to {MOST_SEEDS}.")
    return tuple(range(count))


def pairs_of(pairs: Iterable[str]) -> dict[str, Any]:
    """`name=value` texts as a dict; numbers become numbers.

    Raises:
        TrainingError: one is not of that form.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise TrainingError(f"{pair!r} is no setting; write name=value.")
        found[name] = _number(value)
    return found


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
