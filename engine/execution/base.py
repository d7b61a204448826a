"""What is asked of an executor, and what comes back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from engine.training.curves import Listener

if TYPE_CHECKING:
    from engine.traces.trace import Trace
    from engine.training.policy import TrainedPolicy


@dataclass(frozen=True, slots=True)
class Order:
    """One piece of computing.

    Args:
        work: row of WORK.
        trace: whose requests it works on.
        options: plain values, as `msgspec.to_builtins` gives them; each work has its own.
        policies: trained ones that it needs.
        folder: where checkpoints lie, to go on from and to keep; None: nothing is kept.
    """

    work: str
    trace: Trace
    options: Mapping[str, Any]
    policies: Sequence[TrainedPolicy] = ()
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an order: plain values, and the policies that were trained."""

    told: dict[str, Any]
    policies: list[TrainedPolicy] = field(default_factory=list)


class Executor(ABC):
    """Carries out the orders of one job, one after the other."""

    @abstractmethod
    def run(self, order: Order, listener: Listener) -> Outcome:
        """Carry out an order; the listener hears how it goes, and may end it.

        Raises:
            EngineError: as the work itself.
            JobError: what carried it out ended before the work did.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()
