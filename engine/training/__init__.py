"""Learning what to cache: environments, algorithms, and judging what they learned.

Listing these tables imports no member, and so neither torch nor numba.
"""

from __future__ import annotations

ENVIRONMENTS: dict[str, str] = {
    "slot-rent": "engine.training.slot_rent:make_vec",
    "admission": "engine.training.admission:make_vec",
}
"""Name -> its vectorised form; `make_single` in the same module is its `gymnasium` form."""

ALGORITHMS: dict[str, str] = {
    "ppo": "engine.training.ppo:PPO",
    "dqn": "engine.training.dqn:DQN",
    "a2c": "engine.training.a2c:A2C",
}
"""Name -> how a network learns."""

REWARDS: dict[str, str] = {
    "hits": "engine.training.rewards:hits",
    "cost": "engine.training.rewards:cost",
    "bytes": "engine.training.rewards:size",
    "weighted": "engine.training.rewards:weighted",
}
"""Name -> a function `(train, weights, *, by_bytes) -> HitValue`: what a hit is worth."""
