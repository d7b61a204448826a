"""A worker: takes trials from a study until none is left; any number may work on one study."""

from __future__ import annotations

import logging
import math
import os
import socket
import statistics
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from optuna.exceptions import StorageInternalError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db import study_rows
from db.faults import StoreUnavailable
from db.queries import studies as known
from db.writes import release_lease, take_lease
from engine.errors import EngineError, StudyError
from engine.registry import resolve
from engine.settings import Settings
from engine.study import KINDS
from engine.study.base import Beat, Kind, Result, Stopped, Study
from engine.study.sampling import Sampler
from engine.study.spaces import Config
from engine.study.statistics import signed_rank, summary

BEAT_S = 2.0
LOOK_S = 0.5
PRUNED_BELOW = 0.1
"""Chance below which a configuration that lags the best on the same seeds is given up."""

PRUNED_FROM = 3
"""Seeds that it needs before that."""

_log = logging.getLogger(__name__)


def study_of(row: Mapping[str, Any]) -> Study:
    """The study that a row tells."""
    return msgspec.convert({**row["spec"], "name": row["name"], "kind": row["kind"]}, Study)


def spec_of(study: Study) -> dict[str, Any]:
    """The study as its row's `spec` keeps it."""
    told: dict[str, Any] = msgspec.to_builtins(study)
    return {name: value for name, value in told.items() if name not in ("name", "kind")}


class Worker:
    """Works on one study.

    Args:
        settings: whose store and data.
        store: of these settings.
        name: of the study.
        stopped: asked often; True ends the work soon, and what was begun waits for another worker.
    """

    def __init__(
        self, settings: Settings, store: Engine, name: str, stopped: Callable[[], bool]
    ) -> None:
        row = known.one(store, name)
        if row is None:
            raise StudyError(
                f"There is no study {name!r}; `python -m engine study list` shows all."
            )
        self.id = f"{socket.gethostname()}:{os.getpid()}-{uuid.uuid4().hex[:6]}"[:120]
        self.study = study_of(row)
        self.trials = 0
        self._store = store
        self._stopped = stopped
        self._kind: Kind = resolve(KINDS, self.study.kind, "kind of study")(settings, store)
        self._sampler = Sampler(self.study, settings)
        self._trial = -1
        self._beaten = self._looked = -math.inf
        self._ended = False

    def work(self, most: int = 0) -> int:
        """Take trials until none is left, or `most` of them; returns how many were done."""
        try:
            self._refer()
            while not self._stopped() and (not most or self.trials < most):
                claimed = study_rows.claim(
                    self._store, self.study.name, self.id, time.time(), self.study.stale_s
                )
                if claimed is not None:
                    self._do(claimed)
                elif not self._others():
                    break
                else:  # whoever works on the last trials may die
                    time.sleep(min(LOOK_S, self.study.stale_s / 4))
            self._refer()  # whoever was at it at first may have died
        except Stopped:
            pass
        finally:
            self._kind.close()
        return self.trials

    def _refer(self) -> None:
        """Find the reference lines, unless they are there or another worker is at it."""
        row = known.one(self._store, self.study.name)
        facts: dict[str, Any] = dict((row or {}).get("facts") or {})  # type: ignore[call-overload]
        if "references" in facts:
            return
        lease = f"study-{self.study.name}"[:60]
        if not take_lease(self._store, lease, self.id, self.study.stale_s, time.time())[0]:
            return
        try:
            facts["references"] = self._kind.references(self.study, self._prolonged(lease))
        except EngineError as error:
            facts["references"] = {}
            _log.warning("The reference lines are missing: %s", error)
        else:
            study_rows.update_study(self._store, self.study.name, facts=facts)
        finally:  # whoever is stopped or fails leaves it to another worker
            release_lease(self._store, lease, self.id)

    def _prolonged(self, lease: str) -> Beat:
        """Keep a lease while asked whether to end; a worker that dies loses it like a trial."""
        every = min(BEAT_S, self.study.stale_s / 3)
        due, ended = time.monotonic() + every, False

        def beat() -> bool:
            nonlocal due, ended
            if time.monotonic() >= due:
                due = time.monotonic() + every
                take_lease(self._store, lease, self.id, self.study.stale_s, time.time())
                row = known.one(self._store, self.study.name)
                ended = row is None or row["state"] != study_rows.OPEN
            return ended or self._stopped()

        return beat

    def _others(self) -> bool:
        """Whether trials run elsewhere, which could become free."""
        row = known.one(self._store, self.study.name)
        if row is None or row["state"] != study_rows.OPEN:
            return False
        states = {str(one["state"]) for one in known.states(self._store, self.study.name)}
        return study_rows.RUNNING in states

    def _do(self, claimed: Mapping[str, Any]) -> None:
        number, config = int(claimed["trial"]), claimed["config"]
        self._trial, self._ended = number, False
        asked = claimed["asked"]
        if config is None:
            config, asked = self._sampler.ask(number)
            self._set(config=config, asked=asked)
        values = {
            int(run["seed"]): float(run["objective"])
            for run in known.objectives(self._store, self.study.name, [number])
        }
        try:
            pruned = self._runs(config, int(claimed["seeds"]), values)
        except Stopped:
            self._set(state=study_rows.WAITING, worker="")
            return
        except EngineError as error:
            self._fail(config, asked, str(error))
            return
        except (SQLAlchemyError, StoreUnavailable):
            raise  # no fault of the trial's; whoever reaches the store takes it over
        except Exception as error:
            logging.getLogger(__name__).exception("trial %d failed", number)
            self._fail(config, asked, f"{type(error).__name__}: {error}")
            return
        self.trials += 1
        state = study_rows.PRUNED if pruned else study_rows.DONE
        if self._set(state=state, reason=pruned, finished_at=time.time()):
            self._tell(config, asked, values)

    def _runs(self, config: Config, seeds: int, values: dict[int, float]) -> str:
        """Run the seeds that are missing; returns why no more of them, if so."""
        for seed in range(seeds):
            if seed in values:
                continue
            if self.study.pruning and (why := self._hopeless(values)):
                return why
            started = time.monotonic()
            result = self._kind.run(self.study, config, seed, self._beat)
            if not math.isfinite(result.objective):
                raise StudyError(f"Seed {seed} gave no finite objective ({result.objective}).")
            values[seed] = result.objective
            self._keep(seed, result, values, time.monotonic() - started)
        return ""

    def _keep(self, seed: int, result: Result, values: Mapping[int, float], seconds: float) -> None:
        now = time.time()
        run = {
            "study": self.study.name,
            "trial": self._trial,
            "seed": seed,
            "objective": result.objective,
            "figures": result.figures,
            "curve": [[round(x, 4), round(y, 6)] for x, y in result.curve],
            "seconds": seconds,
            "worker": self.id,
            "at": now,
        }
        middle = summary(list(values.values()))
        kept = study_rows.keep_run(
            self._store,
            run,
            self.id,
            runs=len(values),
            objective=middle.value,
            low=None if math.isnan(middle.low) else middle.low,
            high=None if math.isnan(middle.high) else middle.high,
            figures=self._means(result),
            beat_at=now,
        )
        if not kept:
            raise Stopped  # somebody took us for dead and works on it

    def _means(self, newest: Result) -> dict[str, float]:
        rows = known.figures(self._store, self.study.name, self._trial)
        every = [row["figures"] for row in rows] + [newest.figures]
        return {
            name: statistics.fmean(one[name] for one in every if name in one)
            for name in newest.figures
        }

    def _hopeless(self, values: Mapping[int, float]) -> str:
        """Why further seeds would be wasted; empty where they would not."""
        if len(values) < PRUNED_FROM:
            return ""
        top = known.best(self._store, self.study.name, 2)
        leader = next((row for row in top if row["trial"] != self._trial), None)
        if leader is None:
            return ""
        number = int(leader["trial"])
        theirs = {
            int(run["seed"]): float(run["objective"])
            for run in known.objectives(self._store, self.study.name, [number])
        }
        shared = sorted(values.keys() & theirs.keys())
        if len(shared) < PRUNED_FROM:
            return ""
        chance = signed_rank([values[seed] - theirs[seed] for seed in shared])
        if chance > PRUNED_BELOW:
            return ""
        return f"behind trial {number} on {len(shared)} seeds (chance {chance:.2f})"

    def _fail(self, config: Config, asked: int | None, why: str) -> None:
        self.trials += 1
        if self._set(state=study_rows.FAILED, reason=why, finished_at=time.time()):
            self._tell(config, asked, {})

    def _tell(self, config: Config, asked: int | None, values: dict[int, float]) -> None:
        """Tell the sampler; our own tables hold everything that it would miss."""
        objective = summary(list(values.values())).value if values else None
        try:
            self._sampler.tell(config, asked, values, objective)
        except (SQLAlchemyError, StorageInternalError) as error:
            _log.warning("The sampler was not told of trial %d: %s", self._trial, error)

    def _set(self, **columns: Any) -> bool:  # noqa: ANN401 - values of columns
        return study_rows.update_trial(
            self._store, self.study.name, self._trial, self.id, **columns
        )

    def _beat(self) -> bool:
        """Say that the trial goes on; True when it should not."""
        now = time.monotonic()
        if now - self._looked < LOOK_S:
            return self._ended
        self._looked = now
        row = known.one(self._store, self.study.name)
        self._ended = self._stopped() or row is None or row["state"] != study_rows.OPEN
        if now - self._beaten >= min(BEAT_S, self.study.stale_s / 3):
            self._beaten = now
            self._ended = not self._set(beat_at=time.time()) or self._ended
        return self._ended
