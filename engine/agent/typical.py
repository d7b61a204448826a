"""An endpoint's typical result, in the features that a trained policy knows.

A policy scores single results; a decision is for a whole endpoint. So the endpoint is described by
one result of it under steady demand: asked for at random moments, every so often as the endpoint's
requests divided by its keys say. What that hides: an endpoint whose few keys take most of its
requests looks colder than those are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.agent.base import Observation, Traffic
from engine.cache.features import BASE, NAMES
from engine.cache.value import HIT, LOAD_TIME, SIZE
from engine.training.network import Network
from engine.training.policy import PolicySpec, TrainedPolicy

_LONGEST = 2.0**40
_AT = {name: at for at, name in enumerate(NAMES)}


def gap_seconds(seen: Observation, traffic: Traffic) -> float:
    """How often a single key of the endpoint is asked for, in seconds."""
    return min(max(traffic.keys, 1.0) / max(seen.demand, 1e-9), _LONGEST)


def score(policy: TrainedPolicy, seen: Observation, traffic: Traffic, age_s: float) -> float:
    """The worth of holding the typical result, not asked for since `age_s`; above 0: hold it."""
    row = describe(policy.spec, seen, traffic, age_s)
    network = next(iter(policy.networks.values()), None)
    if network is None:
        return float(row[_AT["recency_index"]] - row[_AT["rent"]])
    filled = np.concatenate([row, _columns(network)])
    return float(network.scores(filled[None].astype(np.float32))[0]) - network.threshold


def describe(
    spec: PolicySpec, seen: Observation, traffic: Traffic, age_s: float
) -> NDArray[np.float32]:
    """The base features of the typical result, float32[BASE], in the order of FEATURES."""
    a_second = max(traffic.all_demand, seen.demand, 1e-9)
    gap = min(gap_seconds(seen, traffic) * a_second, _LONGEST)
    age, known = min(age_s * a_second, _LONGEST), traffic.seconds * a_second
    count = max(1.0, known / gap)
    soon = 1.0 - math.exp(-spec.lifetime / gap)
    index = math.log2(spec.lifetime / gap)
    told = {
        "age": _lifetimes(age, spec),
        **{f"gap_{number}": _lifetimes(gap, spec) for number in range(1, 5)},
        "count": math.log2(count),
        "known_for": _lifetimes(known, spec),
        **{
            f"rate_{n}": _rate(gap, age, count, spec.lifetime * 4.0 ** (n - 2)) for n in range(1, 5)
        },
        "size": math.log2(max(traffic.size_bytes, 1.0)),
        "mean_gap": _lifetimes(known, spec) - math.log2(count),
        "group_gap": _lifetimes(gap, spec),
        "group_reuse": min(1.0, max(0.0, 1.0 - 1.0 / count)),
        "candidate": 0.0,
        **{f"{table}_index": index for table in ("recency", "group", "rate")},
        **{f"{table}_soon": soon for table in ("recency", "group", "rate")},
        "group_age": _lifetimes(a_second / max(seen.demand, 1e-9), spec),
        "rent": price(spec, seen, traffic),
    }
    row = np.zeros(BASE, np.float32)
    for name, value in told.items():
        row[_AT[name]] = value
    return row


def price(spec: PolicySpec, seen: Observation, traffic: Traffic) -> float:
    """The space a result takes over what its hit is worth, log2, as the policy was trained."""
    known = {LOAD_TIME: seen.load_time_ms, SIZE: traffic.size_bytes, HIT: 1.0}
    terms = spec.value.terms
    value = sum(weight * known.get(name, 0.0) for name, weight in terms.items()) if terms else 1.0
    value = min(max(value, 2.0**-10), spec.value.limit or math.inf)
    space = max(traffic.size_bytes, 1.0) / spec.value.space if spec.value.space else 1.0
    return math.log2(space / value)


def _lifetimes(requests: float, spec: PolicySpec) -> float:
    return math.log2(1.0 + requests) - math.log2(spec.lifetime)


def _rate(gap: float, age: float, count: float, half_life: float) -> float:
    """The logarithm of a decayed count in its steady state, `age` requests after the last one."""
    steady = 1.0 / (1.0 - 2.0 ** (-max(gap / half_life, 1e-9)))
    return math.log2(0.01 + min(steady, count) * 2.0 ** (-min(age / half_life, 1000.0)))


def _columns(network: Network) -> NDArray[np.float32]:
    """Chosen columns are not known of an endpoint: their training means."""
    return network.mean[BASE:]
