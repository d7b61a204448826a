"""What each verb of `python -m engine study` does; a verb returns JSON's types and words."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from engine.settings import Settings
from engine.terminal import rows, who


def _new(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies
    from engine.study.spaces import parse_axes

    if given.list:
        from engine.actions.study_results import parameters

        found = parameters(given.kind)
        lines = [(p["name"], p["default"], p["range"], p["help"]) for p in found]
        return found, rows(("PARAMETER", "DEFAULT", "RANGE", "MEANING"), lines)
    single, options = _pairs(given.set), _pairs(given.option)
    made = studies.create_study(
        {
            "name": given.name,
            "kind": given.kind,
            "vary": parse_axes(given.vary),
            "fixed": single,
            "sampler": given.sampler,
            "seeds": given.seeds,
            "trials": given.trials,
            "minutes": given.minutes,
            "pruning": given.prune,
            "options": options,
            "warm": given.warm,
            "seed": given.sampler_seed,
            "stale_s": given.stale_s,
        },
        who(),
        settings,
    )
    spec = made["spec"]
    count = f"{spec['trials']} configurations" if spec["trials"] else f"{spec['minutes']:g} min"
    told = f"Study {given.name}: {count} x {spec['seeds']} seeds, {spec['sampler']}"
    if made["facts"]["warmed"]:
        told += f", starting from {made['facts']['warmed']} past results"
    return made, f"{told}. Now: python -m engine study run {given.name}"


def _pairs(texts: list[str]) -> dict[str, Any]:
    from engine.errors import StudyError

    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise StudyError(f"{text!r} says no value; write name=value.")
        if name in found:
            raise StudyError(f"{name} is given twice; give it once.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _run(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies
    from engine.actions.store import storing
    from engine.errors import StudyError
    from engine.study.job import WATCH_S, working
    from engine.study.progress import standing

    if given.job:
        found = studies.start_study(given.name, given.workers, who(), settings)
        return {"job": found}, found
    with storing(settings) as store:
        standing(store, given.name)
        with working(given.name, given.workers) as processes:
            while any(process.poll() is None for process in processes):
                _hint(standing(store, given.name), given.json)
                for process in processes:
                    if process.poll() is None:
                        _wait(process, WATCH_S / len(processes))
        told = standing(store, given.name)
    _hint(None, given.json)
    if all(process.returncode for process in processes):
        raise StudyError(f"All workers of {given.name!r} failed; what they said stands above.")
    return told, f"{given.name}: {told['state']}, {told['told']}."


def _wait(process: Any, seconds: float) -> None:  # noqa: ANN401 - a Popen
    import subprocess

    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _hint(found: dict[str, Any] | None, quiet: bool) -> None:
    if quiet or not sys.stderr.isatty():
        return
    text = ""
    if found is not None:
        left = f", about {found['left_s'] / 60:.1f} min left" if found["left_s"] else ""
        text = f"{found['share']:4.0%}  {found['told']}{left}"
    sys.stderr.write(f"\r\033[K{text}")
    sys.stderr.flush()


def _list(_given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions.study_results import studies

    found = studies(settings)
    if not found:
        return found, "No study has been made yet; `python -m engine study new NAME --vary …`."
    lines = [(s["name"], s["kind"], s["state"], s["told"], s["sampler"]) for s in found]
    return found, rows(("STUDY", "KIND", "STATE", "RUNS", "SAMPLER"), lines)


def _show(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions.study_results import study, values
    from engine.actions.study_words import shown

    found = study(given.name, given.top, settings) | {"values": values(given.name, settings)}
    return found, shown(found)


def _stop(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies

    studies.stop_study(given.name, who(), settings)
    return {"state": "stopped"}, f"{given.name} is stopped; finished runs are kept."


def _resume(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies

    studies.resume_study(given.name, who(), settings)
    return {"state": "open"}, f"Workers may go on with {given.name}."


def _extend(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies

    found = studies.extend_study(given.name, given.trials, given.minutes, who(), settings)
    return found, f"Budget of {given.name}: {found['trials']} trials, {found['minutes']:g} min."


def _seeds(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies

    changed = studies.add_seeds(given.name, given.add, given.trial, who(), settings)
    return {"trials": changed}, f"{changed} configurations will run with {given.add} more seeds."


def _rerun(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies

    changed = studies.rerun_trials(given.name, given.trial, who(), settings)
    return {"trials": changed}, f"{changed} trials will run afresh."


def _pin(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies

    studies.pin_baseline(given.name, given.trial, who(), settings)
    told = "none" if given.trial is None else f"trial {given.trial}"
    return {"baseline": given.trial}, f"Baseline of {given.name}: {told}."


def _apply(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies
    from engine.actions.study_results import best_trial

    number = best_trial(given.name, settings) if given.trial is None else given.trial
    found = studies.apply_trial(given.name, number, who(), settings)
    told = ", ".join(f"{key} = {value}" for key, value in found.items())
    return found, f"The live agent follows trial {number}: {told}."


def _register(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies
    from engine.actions.study_results import best_trial

    number = best_trial(given.name, settings) if given.trial is None else given.trial
    found = studies.register_trial(given.name, number, who(), settings)
    return {"job": found}, f"Job {found} trains trial {number} and registers it."


def _export(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions.study_export import export_study

    path = export_study(given.name, given.file, settings)
    return {"file": str(path)}, f"Written to {path}."


def _remove(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions import studies

    studies.remove_study(given.name, who(), settings)
    return {"removed": given.name}, f"{given.name} is deleted."


VERBS: dict[str, Callable[[argparse.Namespace, Settings], tuple[Any, str]]] = {
    "new": _new,
    "run": _run,
    "list": _list,
    "show": _show,
    "stop": _stop,
    "resume": _resume,
    "extend": _extend,
    "seeds": _seeds,
    "rerun": _rerun,
    "pin": _pin,
    "apply": _apply,
    "register": _register,
    "export": _export,
    "remove": _remove,
}
"""Verb -> what it tells, as JSON's types and in words."""
