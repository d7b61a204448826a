"""A cache whose evictions an exported policy decides, as a mapping like those of cachetools."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import (
    Callable,
    Hashable,
    ItemsView,
    Iterator,
    MutableMapping,
    Sequence,
    ValuesView,
)
from math import inf
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.export.serving.errors import ServingError
from engine.export.serving.policy import Policy
from engine.export.serving.segments import Judge, Residents
from engine.export.serving.tracker import Tracker
from engine.export.serving.worth import Worth

_FEWEST_KEYS = 4096


class Facts(NamedTuple):
    """What a policy may want to know of a result besides its key.

    Args:
        group: its endpoint: a path without ids, a name of a query.
        size: bytes; None: unknown, taken as 1.
        load_time_ms: what loading it took; None: unknown.
        columns: values of the chosen columns by name.
    """

    group: Hashable = ""
    size: float | None = None
    load_time_ms: float | None = None
    columns: dict[str, float] = {}  # noqa: RUF012 - never changed


Describe = Callable[[Any, Any], Facts]
"""From key and value to what is known of them."""


class Scorer(Protocol):
    """What the cache needs of a policy: `Policy` is one."""

    metadata: dict[str, Any]

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The worth of keeping each row's item, float32[n]."""


class LearnedCache(MutableMapping[Any, Any]):
    """A cache that holds what a policy values; not thread-safe, as cachetools' caches are not.

    A request is a look-up that finds its key (`cache[key]`, `get`), or storing what was not held.
    A new result always enters a small window of the most recent; what leaves the window is
    compared with other residents, and the least valued of them goes.

    Where a result lacks what the policy was trained on (a chosen column, the load time), the least
    recently used one is evicted instead, and a warning says so once.

    Args:
        policy: the export's folder, or a loaded `Policy`.
        maxsize: results, or units of `getsizeof`; default: as trained. The policy's lifetime is
            scaled with it.
        getsizeof: size of a value; needed by a policy that was trained for a capacity in bytes,
            and refused by one that was not.
        describe: what is known of a key and its value.
        seed: of the random residents that are compared.

    Raises:
        ServingError: the size does not fit the policy, or the export is damaged.
    """

    def __init__(
        self,
        policy: str | Path | Scorer,
        maxsize: int | None = None,
        getsizeof: Callable[[Any], float] | None = None,
        describe: Describe | None = None,
        seed: int = 0,
    ) -> None:
        self.policy: Scorer = Policy(policy) if isinstance(policy, str | Path) else policy
        told, trained = self.policy.metadata["cache"], self.policy.metadata["training"]
        wanted = told["capacity"] if maxsize is None else maxsize
        _check(wanted, told["unit"], getsizeof)
        self._maxsize = int(wanted)
        self._getsizeof = getsizeof
        self._describe = describe
        self._worth = Worth(trained["value"])
        self._columns = tuple(trained["columns"])
        places = self._maxsize / (self._worth.space or 1.0)
        self.tracker = Tracker(
            max(1.0, told["lifetime"] * self._maxsize / told["capacity"]),
            max(_FEWEST_KEYS, int(told["history"] * places)),
            self.policy.metadata["fill"],
        )
        self._residents = Residents(
            self._maxsize,
            told["window"],
            told["pool"],
            told["sample"],
            told["asked"],
            seed,
        )
        self._judge = Judge(self.tracker.index, self._score)
        self._values: dict[Any, Any] = {}
        self._used: OrderedDict[Any, None] = OrderedDict()  # the least recently used first
        self._facts: dict[Any, Facts] = {}
        self._warned = False

    @property
    def maxsize(self) -> int:
        """The most it holds."""
        return self._maxsize

    @property
    def currsize(self) -> float:
        """What it holds now."""
        return self._residents.used

    def getsizeof(self, value: Any) -> float:  # noqa: ANN401 - any value
        """The size of a value: 1 unless a function was given."""
        return 1 if self._getsizeof is None else self._getsizeof(value)

    def __getitem__(self, key: Hashable) -> Any:  # noqa: ANN401 - any value
        if key not in self._values:
            return self.__missing__(key)
        self._note(key, self._facts[key])
        self._used.move_to_end(key)
        self._residents.touch(key)
        return self._values[key]

    def __missing__(self, key: Hashable) -> Any:  # noqa: ANN401 - as cachetools: subclasses load
        raise KeyError(key)

    def __setitem__(self, key: Hashable, value: Any) -> None:  # noqa: ANN401 - any value
        self.store(key, value, Facts() if self._describe is None else self._describe(key, value))

    def store(self, key: Hashable, value: Any, facts: Facts) -> None:  # noqa: ANN401 - any value
        """Hold a result of which `facts` are known, as `cache[key] = value` does otherwise.

        Raises:
            ValueError: it is larger than the whole cache.
        """
        size = self.getsizeof(value)
        held = key in self._values
        if not held:
            self._note(key, facts)
        if size > self._maxsize:
            raise ValueError("value too large")
        if held and size == self._residents.size(key):
            self._values[key], self._facts[key] = value, facts
            return
        if held:
            del self[key]
        self._enter(key, value, facts, size)

    def __delitem__(self, key: Hashable) -> None:
        del self._values[key], self._facts[key], self._used[key]
        self._residents.remove(key)
        self.tracker.release(key)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def values(self) -> ValuesView[Any]:
        """What is held; looking through it is no request."""
        return self._values.values()

    def items(self) -> ItemsView[Any, Any]:
        """Keys and what is held; looking through it is no request."""
        return self._values.items()

    def get(self, key: Hashable, default: Any = None) -> Any:  # noqa: ANN401 - any value
        """The value, or `default`; a request where it is held."""
        return self[key] if key in self else default  # noqa: SIM401 - that would call itself

    def popitem(self) -> tuple[Any, Any]:
        """Remove and return the result that is worth least, as key and value.

        Raises:
            KeyError: the cache is empty.
        """
        if not self._values:
            raise KeyError(f"{type(self).__name__} is empty")
        held = list(self._used)
        rows = self.tracker.rows(held)
        key = held[int(np.argmin(self.policy.scores(rows)))] if self._sees(held) else held[0]
        return key, self.pop(key)

    def pop(self, key: Hashable, *default: Any) -> Any:  # noqa: ANN401 - any value
        """Remove a key and return its value, which is no request.

        Raises:
            KeyError: it is not held and no default is given.
        """
        if key not in self._values:
            if default:
                return default[0]
            raise KeyError(key)
        value = self._values[key]
        del self[key]
        return value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(maxsize={self.maxsize}, currsize={self.currsize})"

    def _note(self, key: Hashable, facts: Facts) -> None:
        self.tracker.note(
            key,
            facts.group,
            facts.size or 1.0,
            self._worth.density(facts.size, facts.load_time_ms, facts.columns),
            [facts.columns.get(name, np.nan) for name in self._columns],
        )

    def _enter(self, key: Hashable, value: Any, facts: Facts, size: float) -> None:  # noqa: ANN401
        self._values[key], self._facts[key], self._used[key] = value, facts, None
        self.tracker.hold(key)
        sees = self._sees([key])
        for evicted in self._residents.enter(key, size, self._judge if sees else None):
            del self[evicted]
        while self._residents.used > self._maxsize:  # the oldest goes where nothing can be scored
            del self[next(iter(self._used))]

    def _score(self, keys: Sequence[Hashable]) -> NDArray[np.float32]:
        return self.policy.scores(self.tracker.rows(keys))

    def _sees(self, keys: Sequence[Hashable]) -> bool:
        """Whether what the policy was trained on is known of these results."""
        missing = {
            name for key in keys for name in self._worth.missing(self._facts[key], self._columns)
        }
        if missing and not self._warned:
            self._warned = True
            warnings.warn(
                f"The policy was trained on {', '.join(sorted(missing))}, which results lack; "
                "they are evicted as least recently used. Give a `describe` that tells it.",
                RuntimeWarning,
                stacklevel=4,
            )
        return not missing


def _check(maxsize: float, unit: str, getsizeof: Callable[[Any], float] | None) -> None:
    if not 1 <= maxsize < inf:
        raise ServingError(f"A cache of {maxsize} holds nothing; give a maxsize from 1 on.")
    if unit == "bytes" and getsizeof is None:
        raise ServingError(
            "The policy was trained for a capacity in bytes; give getsizeof, the bytes of a value."
        )
    if unit != "bytes" and getsizeof is not None:
        raise ServingError(
            "The policy was trained for a capacity in results; leave getsizeof out, or train one "
            "for a capacity in bytes."
        )
