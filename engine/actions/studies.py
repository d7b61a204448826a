"""What a person can do with studies: make, run, stop, go on, extend, and take over what won.

Works without a running engine. Optuna is loaded only by what makes or runs a study.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine

from db import study_rows
from db.migrations import migrate
from db.queries import studies as known
from engine.actions.job_rows import start_job
from engine.actions.store import audited, given, storing
from engine.actions.study_results import study_row
from engine.actions.tuning import set_tunable
from engine.errors import StudyError
from engine.settings import Settings
from engine.study.base import Study
from engine.study.plan import MOST_MINUTES, MOST_SEEDS, MOST_TRIALS, planned, wanted_of
from engine.tunables import check


def create_study(
    fields: Mapping[str, Any], who: str = "terminal", settings: Settings | None = None
) -> dict[str, Any]:
    """Make a study; nothing runs yet.

    Args:
        fields: of `engine.study.plan.Wanted`.
        who: asks for it.
        settings: whose store and data.

    Raises:
        StudyError: something about it makes no sense, or there is one of that name.
    """
    from engine.study.sampling import Sampler
    from engine.study.worker import spec_of

    held = given(settings)
    wanted = wanted_of(fields)
    with audited(held, who, "make study", fields), storing(held) as store:
        migrate(store)
        _refuse_known(store, wanted.name)
        study = planned(wanted, held, store)
        sampler = Sampler(study, held)
        past = sampler.fitting(_past(store, study))
        if study.warm and not past:
            raise StudyError(
                f"No result of {study.warm!r} fits what this study varies; start from one of the "
                "same parameters and ranges, or from none."
            )
        sampler.open()
        sampler.warm(past)
        row = {
            "name": study.name,
            "kind": study.kind,
            "state": study_rows.OPEN,
            "spec": spec_of(study),
            "facts": {"warmed": len(past)},
            "who": who[:120],
            "created_at": time.time(),
        }
        if not study_rows.add_study(store, row):
            _refuse_known(store, wanted.name)
    return row


def run_study(
    name: str,
    settings: Settings | None = None,
    stopped: Callable[[], bool] = lambda: False,
    most: int = 0,
) -> int:
    """Work on a study here and now, as one worker; returns how many trials were done.

    Raises:
        StudyError: there is none of that name.
    """
    from engine.study.worker import Worker

    held = given(settings)
    with storing(held) as store:
        migrate(store)
        return Worker(held, store, name, stopped).work(most)


def start_study(
    name: str, workers: int = 1, who: str = "terminal", settings: Settings | None = None
) -> str:
    """Run a study as a job of the running engine; returns the job's id.

    Raises:
        StudyError: there is none of that name.
        ControlError: no engine runs, or too many jobs run.
    """
    held = given(settings)
    with storing(held) as store:
        study_row(store, name)
    return start_job("study", {"name": name, "workers": workers}, who, held)


def stop_study(name: str, who: str = "terminal", settings: Settings | None = None) -> None:
    """Let nobody work on a study; what runs ends within seconds, finished runs stay."""
    _set_state(name, study_rows.STOPPED, "stop study", who, settings)


def resume_study(name: str, who: str = "terminal", settings: Settings | None = None) -> None:
    """Let workers take trials of a stopped study again."""
    _set_state(name, study_rows.OPEN, "resume study", who, settings)


def extend_study(
    name: str,
    trials: int = 0,
    minutes: float = 0.0,
    who: str = "terminal",
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Give a study that many more configurations, or minutes, and open it; returns its budget.

    Raises:
        StudyError: there is no such study, nothing is added, its grid has no more, or what is added
            would change nothing.
    """
    held = given(settings)
    added = {"name": name, "trials": trials, "minutes": minutes}
    with audited(held, who, "extend study", added), storing(held) as store:
        row = study_row(store, name)
        spec = dict(row["spec"])
        if not (0 <= trials <= MOST_TRIALS and 0 <= minutes <= MOST_MINUTES and trials + minutes):
            raise StudyError(
                f"trials is {trials} and minutes is {minutes:g}; say how much to add, up to "
                f"{MOST_TRIALS} and {MOST_MINUTES}."
            )
        if why := _in_vain(store, row, trials, minutes):
            raise StudyError(why)
        if trials and spec["sampler"] == "grid":
            from engine.study.spaces import grid
            from engine.study.worker import study_of

            whole = len(grid(study_of(row).axes))
            if spec["trials"] >= whole:
                raise StudyError(
                    f"All {whole} configurations of the grid belong to {name!r} already; add "
                    "seeds, or make a study with more values."
                )
            spec["trials"] = min(whole, spec["trials"] + trials)
        elif trials:
            spec["trials"] = min(MOST_TRIALS, spec["trials"] + trials)
        if minutes:
            used = (time.time() - (row["started_at"] or time.time())) / 60.0
            spec["minutes"] = max(spec["minutes"], used) + minutes
        study_rows.update_study(store, name, spec=spec, state=study_rows.OPEN)
    return {"trials": spec["trials"], "minutes": spec["minutes"]}


def _in_vain(store: Engine, row: Mapping[str, Any], trials: int, minutes: float) -> str:
    """Why adding so much would change nothing; empty where it would."""
    name, spec = row["name"], row["spec"]
    if trials and not spec["trials"]:
        return f"The budget of {name!r} is in minutes alone; add minutes."
    if minutes and not spec["minutes"]:
        return f"The budget of {name!r} is in configurations alone; add those."
    begun = sum(int(one["trials"]) for one in known.states(store, name))
    if not trials and spec["trials"] and begun >= spec["trials"]:
        return f"All {begun} configurations of {name!r} are begun; add some as well."
    over = row["started_at"] and time.time() >= row["started_at"] + 60.0 * spec["minutes"]
    if not minutes and spec["minutes"] and over:
        return f"The time of {name!r} is over; add minutes as well."
    return ""


def add_seeds(
    name: str,
    seeds: int,
    trials: list[int] | None = None,
    who: str = "terminal",
    settings: Settings | None = None,
) -> int:
    """Let configurations run with that many further seeds; returns how many will.

    Args:
        name: of the study.
        seeds: to add.
        trials: which; None: all that are done.
        who: asks for it.
        settings: whose store.

    Raises:
        StudyError: there is no such study or trial, or too many seeds.
    """
    held = given(settings)
    asked = {"name": name, "seeds": seeds, "trials": trials}
    with audited(held, who, "add seeds", asked), storing(held) as store:
        study_row(store, name)
        if not 1 <= seeds <= MOST_SEEDS:
            raise StudyError(f"seeds is {seeds}; give a number from 1 to {MOST_SEEDS}.")
        rows = {int(row["trial"]): row for row in known.trials(store, name, MOST_TRIALS)}
        chosen = list(rows) if trials is None else trials
        _refuse_strange(name, chosen, rows)
        changed = 0
        for number in chosen:
            row = rows[number]
            if row["state"] in (study_rows.DONE, study_rows.PRUNED):
                wanted = min(MOST_SEEDS, int(row["runs"]) + seeds)
                changed += study_rows.wait_again(store, name, [number], wanted)
        study_rows.update_study(store, name, state=study_rows.OPEN)
    return changed


def rerun_trials(
    name: str,
    trials: list[int] | None = None,
    who: str = "terminal",
    settings: Settings | None = None,
) -> int:
    """Run trials afresh (default: those that failed); returns how many will."""
    held = given(settings)
    with audited(held, who, "rerun trials", {"name": name, "trials": trials}):  # noqa: SIM117
        with storing(held) as store:
            study_row(store, name)
            rows = {int(row["trial"]): row for row in known.trials(store, name, MOST_TRIALS)}
            failed = [n for n, row in rows.items() if row["state"] == study_rows.FAILED]
            chosen = failed if trials is None else trials
            _refuse_strange(name, chosen, rows)
            changed = study_rows.wait_again(store, name, chosen, afresh=True)
            study_rows.update_study(store, name, state=study_rows.OPEN)
    return changed


def pin_baseline(
    name: str, trial: int | None, who: str = "terminal", settings: Settings | None = None
) -> None:
    """Hold all trials against this one; None: against none."""
    held = given(settings)
    with audited(held, who, "pin baseline", {"name": name, "trial": trial}):  # noqa: SIM117
        with storing(held) as store:
            study_row(store, name)
            if trial is not None:
                rows = {int(row["trial"]): row for row in known.trials(store, name, MOST_TRIALS)}
                _refuse_strange(name, [trial], rows)
            study_rows.update_study(store, name, baseline=trial)


def remove_study(name: str, who: str = "terminal", settings: Settings | None = None) -> None:
    """Delete a study with all its runs."""
    held = given(settings)
    with audited(held, who, "remove study", {"name": name}), storing(held) as store:
        study_row(store, name)
        study_rows.remove_study(store, name)
        from engine.study.sampling import forget

        forget(name, held)


def apply_trial(
    name: str, trial: int, who: str = "terminal", settings: Settings | None = None
) -> dict[str, Any]:
    """Let the live agent work with a trial's configuration; returns tunable -> value.

    Raises:
        StudyError: it is no agent study, or there is no such trial, or it is not begun.
        TunableError: a value is allowed no more; nothing is changed then.
    """
    held = given(settings)
    with storing(held) as store:
        row = study_row(store, name)
        rows = {int(one["trial"]): one for one in known.trials(store, name, MOST_TRIALS)}
    if row["kind"] != "agent":
        raise StudyError(f"{name!r} studies the {row['kind']}; only an agent study can be applied.")
    _refuse_strange(name, [trial], rows)
    config = {**row["spec"]["fixed"], **_config(name, rows[trial])}
    wanted = {f"agent.{key}": check(f"agent.{key}", value) for key, value in config.items()}
    return {key: set_tunable(key, value, who, held) for key, value in wanted.items()}


def register_trial(
    name: str, trial: int, who: str = "terminal", settings: Settings | None = None
) -> str:
    """Train a trial's configuration once more, judge it and register it; returns the job's id.

    The best seed's training is repeated: equal seeds give equal networks on one machine.

    Raises:
        StudyError: it is no trainer study, or there is no such trial.
        ControlError: no engine runs.
    """
    from engine.actions.training import TrainWanted, start_training
    from engine.study.trainer_kind import train_options

    held = given(settings)
    with storing(held) as store:
        row = study_row(store, name)
        rows = {int(one["trial"]): one for one in known.trials(store, name, MOST_TRIALS)}
        if row["kind"] != "trainer":
            raise StudyError(f"{name!r} studies the {row['kind']}; it has no model to register.")
        _refuse_strange(name, [trial], rows)
        runs = known.objectives(store, name, [trial])
    if not runs:
        raise StudyError(f"Trial {trial} of {name!r} has no finished run yet.")
    seed = int(max(runs, key=lambda run: float(run["objective"]))["seed"])
    options = train_options({**row["spec"]["fixed"], **_config(name, rows[trial])}, seed)
    fields = {field: getattr(options, field) for field in options.__struct_fields__}
    asked = TrainWanted(**{**fields, **row["spec"]["options"], "name": f"{name}-{trial}"})
    return start_training(asked, False, who, held)[0]


def _set_state(name: str, state: str, act: str, who: str, settings: Settings | None) -> None:
    held = given(settings)
    with audited(held, who, act, {"name": name}), storing(held) as store:
        study_row(store, name)
        study_rows.update_study(store, name, state=state)


def _config(name: str, trial: Mapping[str, Any]) -> dict[str, Any]:
    if trial["config"] is None:
        raise StudyError(f"Trial {trial['trial']} of {name!r} has no configuration yet.")
    return dict(trial["config"])


def _refuse_known(store: Engine, name: str) -> None:
    if known.one(store, name) is not None:
        raise StudyError(f"There is a study {name!r} already; choose another name, or extend it.")


def _refuse_strange(name: str, chosen: list[int], rows: Mapping[int, Any]) -> None:
    for number in chosen:
        if number not in rows:
            raise StudyError(f"The study {name!r} has no trial {number}.")


def _past(store: Engine, study: Study) -> list[tuple[dict[str, Any], float]]:
    """Configurations and objectives of the study that this one starts from."""
    if not study.warm:
        return []
    row = study_row(store, study.warm)
    if study.sampler != "tpe":
        raise StudyError(
            f"The sampler {study.sampler} takes no notice of past results; leave out warm, or "
            "choose tpe."
        )
    theirs = row["kind"], row["spec"]["options"].get("objective")
    if theirs != (study.kind, study.options.get("objective")):
        raise StudyError(
            f"{study.warm!r} has another objective; start from a study of the same kind and "
            "objective, or from none."
        )
    found = known.best(store, study.warm, MOST_TRIALS)
    return [(dict(one["config"]), float(one["objective"])) for one in found]
