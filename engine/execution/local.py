"""Orders carried out in this process."""

from __future__ import annotations

from engine.execution import WORK
from engine.execution.base import Executor, Order, Outcome
from engine.registry import resolve
from engine.settings import Settings
from engine.training.curves import Listener


class LocalExecutor(Executor):
    """Computes where it is called."""

    def __init__(self, _settings: Settings | None = None) -> None:
        pass

    def run(self, order: Order, listener: Listener) -> Outcome:
        """Carry out an order; see the base."""
        outcome: Outcome = resolve(WORK, order.work, "work")(order, listener)
        return outcome

    def close(self) -> None:
        """Nothing is held."""
