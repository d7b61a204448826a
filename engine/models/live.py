"""Models for what runs: the one behind an alias, loaded once, exchanged when the alias moves."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from db.queries import models as kept_models
from engine.errors import ModelError
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.training.policy import TrainedPolicy

_log = logging.getLogger(__name__)

CHECK_S = 2.0
"""An alias that moved is followed after at most so long."""


class LiveModels:
    """Loads models by alias. What cannot be loaded is told once and left out; not thread-safe."""

    def __init__(self, store: Engine, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._loaded: dict[int, TrainedPolicy | None] = {}
        self._pointing: dict[str, int | None] = {}
        self._checked: dict[str, float] = {}

    def get(self, alias: str) -> tuple[int, TrainedPolicy] | None:
        """The number and the policy that go by `alias` now; None where there is none to use.

        Raises:
            SQLAlchemyError: the store is away; call again.
        """
        now = time.monotonic()
        if now - self._checked.get(alias, -CHECK_S) >= CHECK_S:
            self._pointing[alias] = kept_models.points_to(self._store, alias)
            self._checked[alias] = now
        number = self._pointing[alias]
        if number is None:
            return None
        if number not in self._loaded:
            self._loaded = {known: policy for known, policy in self._loaded.items()
                            if known in self._pointing.values()}  # fmt: skip
            self._loaded[number] = self._load(number, alias)
        policy = self._loaded[number]
        return None if policy is None else (number, policy)

    def _load(self, number: int, alias: str) -> TrainedPolicy | None:
        from engine.models import registry  # only an agent that follows a model needs all of it

        try:
            policy = registry.load(self._store, self._settings, number)
        except ModelError as error:
            _log.warning("The %s is not used: %s", alias, error)
            return None
        _log.info("Model %d is used as %s.", number, alias)
        return policy
