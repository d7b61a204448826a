"""golden.json: a thousand requests replayed by the compiled core, for the serving file to follow.

Made-up requests: what they are like does not matter, only that two implementations agree on them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.cache.features import BASE
from engine.errors import ExportError
from engine.export.base import Exporter, Subject
from engine.export.described import decider
from engine.export.serving.errors import ServingError
from engine.export.serving.replay import follow
from engine.export.serving.segments import first_draw
from engine.training.network import Network
from engine.training.policy import PolicySpec, TrainedPolicy

REQUESTS, KEYS, PLACES = 1000, 250, 40
_GROUPS = 5
_ATTEMPTS = 5


class Golden(Exporter):
    """A replay of made-up requests: hits and evictions of the cache that the network rules."""

    file = "golden.json"

    def write(self, subject: Subject, folder: Path) -> None:
        """Write the replay.

        Raises:
            ExportError: the serving form does not follow it.
        """
        (folder / self.file).write_bytes(msgspec.json.encode(golden(subject)))


def golden(subject: Subject) -> dict[str, Any]:
    """The replay of the first seed on which both forms agree.

    Scores that differ by rounding alone may order a pool differently; that is no fault, and does
    not happen on every seed.

    Raises:
        ExportError: they agree on none.
    """
    told: ServingError | None = None
    for seed in range(_ATTEMPTS):
        made = _replayed(subject, seed)
        try:
            follow(decider(subject), made)
        except ServingError as error:
            told = error
        else:
            return made
    raise ExportError(f"The serving form does not decide as the compiled core: {told}")


def _replayed(subject: Subject, seed: int) -> dict[str, Any]:
    from engine.cache.base import Room
    from engine.cache.hybrid import start

    spec = subject.policy.spec
    requests = _requests(spec, subject.scorer, seed)
    maxsize = int(PLACES * (spec.value.space or 1.0)) if spec.by_bytes else PLACES
    cache = start(_alone(subject), Room(maxsize, spec.by_bytes, KEYS), seed)
    hits, evicted = [], []
    for number in range(REQUESTS):
        decision = cache.explain(requests.slice(number, number + 1))
        hits.append(int(decision.hit))
        for gone in decision.evicted:
            score = next((one.score for one in decision.scored if one.key == gone), None)
            evicted.append([gone, score])
    return {
        "seed": seed,
        "random": str(first_draw(seed)),  # text: JavaScript's numbers are not exact that far
        "maxsize": maxsize,
        "key": requests.key.tolist(),
        "group": requests.group.tolist(),
        "size": requests.size.tolist(),
        "load_time_ms": requests.cost.tolist(),
        "columns": {name: values.tolist() for name, values in requests.columns.items()},
        "hit": hits,
        "evicted": evicted,
    }


def _alone(subject: Subject) -> TrainedPolicy:
    """The policy with the exported network alone, so that no guard relieves it."""
    spec, name = subject.policy.spec, subject.network
    only = msgspec.structs.replace(
        spec,
        guard=False,
        algorithms={name: spec.algorithms.get(name, "")},
        readouts={name: spec.readouts[name]},
    )
    return TrainedPolicy(only, {name: subject.scorer})


def _requests(spec: PolicySpec, network: Network, seed: int) -> Any:  # noqa: ANN401 - lazy import
    from engine.traces.trace import Requests

    chance = np.random.default_rng(seed)
    weights = 1.0 / np.arange(1, KEYS + 1)
    key = chance.choice(KEYS, REQUESTS, p=weights / weights.sum()).astype(np.int32)
    space = spec.value.space or 1000.0
    # Below what the main segment holds, so that every eviction compares scores.
    size = np.clip(chance.lognormal(0, 1, KEYS) * space / 2, 1, PLACES * space / 8)
    cost = chance.lognormal(3, 1, KEYS)
    columns = {
        name: (mean + chance.normal(size=KEYS)).astype(np.float32)
        for name, mean in zip(spec.columns, network.mean[BASE:], strict=True)
    }
    return Requests(
        time=np.arange(REQUESTS, dtype=np.float64),
        key=key,
        group=(key % _GROUPS).astype(np.int32),
        size=size.astype(np.int64)[key],
        cost=cost[key],
        distinct=KEYS,
        columns={name: values[key] for name, values in columns.items()},
    )
