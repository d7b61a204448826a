"""Choosing configurations with Optuna, whose storage lies beside ours.

On a server Optuna keeps its tables in the same database; on SQLite in a file of its own, because
its deferred transactions would meet our writers (see `db.session`). A grid's and a random study's
n-th configuration is a function of n alone: whoever takes over a trial finds the same one.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from engine.settings import Settings
from engine.study.base import Study
from engine.study.spaces import Axis, Config, grid

if TYPE_CHECKING:
    import optuna

STARTUP = 10
"""Random configurations before TPE trusts what it has seen."""


class Sampler:
    """Asks for configurations and tells what came of them; one a worker."""

    def __init__(self, study: Study, settings: Settings) -> None:
        self._study = study
        self._grid = grid(study.axes) if study.sampler == "grid" else []
        self._distributions = distributions(study.axes)
        self._settings = settings
        self._opened: optuna.Study | None = None

    @property
    def _kept(self) -> optuna.Study:
        if self._opened is None:
            try:
                self._opened = _open(self._study, self._settings)
            except (IntegrityError, OperationalError, ProgrammingError):
                # Another process was making the same tables.
                time.sleep(0.5)
                self._opened = _open(self._study, self._settings)
        return self._opened

    def open(self) -> None:
        """Make the storage now, before several workers would at once."""
        _ = self._kept

    def ask(self, number: int) -> tuple[Config, int | None]:
        """The configuration of our trial `number`, and Optuna's own number of it, if it has one."""
        if self._study.sampler == "grid":
            return self._grid[number], None
        if self._study.sampler == "random":
            import optuna

            _hush()
            drawing = optuna.create_study(
                sampler=optuna.samplers.RandomSampler(seed=self._study.seed * 1_000_003 + number)
            )
            return dict(drawing.ask(self._distributions).params), None
        trial = self._kept.ask(self._distributions)
        return dict(trial.params), trial.number

    def tell(
        self, config: Config, asked: int | None, values: dict[int, float], objective: float | None
    ) -> None:
        """Say how a trial ended.

        Args:
            config: of the trial.
            asked: Optuna's number of it.
            values: seed -> objective; a trial's steps are its seeds.
            objective: over all of them; None: it failed.
        """
        import optuna

        states = optuna.trial.TrialState
        if asked is not None:
            if objective is None:
                self._kept.tell(asked, state=states.FAIL, skip_if_finished=True)
            else:
                self._kept.tell(asked, objective, skip_if_finished=True)
            return
        made = optuna.trial.create_trial(
            state=states.FAIL if objective is None else states.COMPLETE,
            value=objective,
            params=config,
            distributions=self._distributions,
            intermediate_values={} if objective is None else values,
        )
        self._kept.add_trial(made)

    def fitting(self, past: Sequence[tuple[Config, float]]) -> list[tuple[Config, float]]:
        """Those of a past study's results that lie on this one's axes, cut down to them."""
        return [
            ({name: config[name] for name in self._distributions}, objective)
            for config, objective in past
            if all(
                name in config and _known(distribution, config[name])
                for name, distribution in self._distributions.items()
            )
        ]

    def warm(self, past: Sequence[tuple[Config, float]]) -> None:
        """Let the sampler know past results that are `fitting`."""
        import optuna

        for config, objective in past:
            made = optuna.trial.create_trial(
                value=objective, params=config, distributions=self._distributions
            )
            self._kept.add_trial(made)


def distributions(axes: Sequence[Axis]) -> dict[str, Any]:
    """Optuna's form of the axes."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    made: dict[str, Any] = {}
    for axis in axes:
        if axis.values:
            made[axis.name] = CategoricalDistribution(axis.values)
        elif axis.whole:
            made[axis.name] = IntDistribution(int(axis.low or 0), int(axis.high or 0), axis.log)
        else:
            made[axis.name] = FloatDistribution(axis.low or 0.0, axis.high or 0.0, axis.log)
    return made


def _known(distribution: Any, value: Any) -> bool:  # noqa: ANN401 - Optuna's, any value
    choices = getattr(distribution, "choices", None)
    if choices is not None:
        return value in choices
    return isinstance(value, int | float) and distribution.low <= value <= distribution.high


def forget(name: str, settings: Settings) -> None:
    """Delete a study from Optuna's storage; one that is not there is fine."""
    import optuna

    with contextlib.suppress(KeyError):
        optuna.delete_study(study_name=name, storage=_storage(settings))


def _hush() -> None:
    """Optuna otherwise tells of each study that it makes."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _storage(settings: Settings) -> optuna.storages.RDBStorage:
    import optuna

    _hush()
    url = settings.database_url
    if url.get_backend_name() == "sqlite":
        settings.data_path.mkdir(parents=True, exist_ok=True)
        text = f"sqlite:///{settings.data_path / 'studies.sqlite3'}"
        arguments: dict[str, Any] = {"connect_args": {"timeout": 30}}
    else:
        text, arguments = url.render_as_string(hide_password=False), {"pool_pre_ping": True}
    return optuna.storages.RDBStorage(text, engine_kwargs=arguments)


def _open(study: Study, settings: Settings) -> optuna.Study:
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=STARTUP, multivariate=True, constant_liar=True
        )
        return optuna.create_study(
            storage=_storage(settings),
            study_name=study.name,
            direction="maximize",
            sampler=sampler,
            load_if_exists=True,
        )
