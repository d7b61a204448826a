"""What studies say: rankings, comparisons, effects, curves.

Loads neither Optuna nor torch, and NumPy only to compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Engine

from db import study_rows
from db.queries import studies as known
from engine.actions.store import given, storing
from engine.errors import NoSuchStudy, StudyError
from engine.registry import resolve
from engine.settings import Settings
from engine.study import KINDS
from engine.study.progress import standing

Json = dict[str, Any]


def parameters(kind: str) -> list[Json]:
    """What studies of a kind may vary: name, default, range, meaning.

    Raises:
        UnknownName: there is no such kind.
    """
    found = resolve(KINDS, kind, "kind of study").parameters()
    return [msgspec.to_builtins(one) | {"range": _range(one)} for one in found.values()]


def studies(settings: Settings | None = None, limit: int = 100) -> list[Json]:
    """The newest studies with how far they are, newest first."""
    with storing(given(settings)) as store:
        return [
            {
                "name": row["name"],
                "kind": row["kind"],
                "sampler": row["spec"]["sampler"],
                "created_at": row["created_at"],
                **standing(store, str(row["name"])),
            }
            for row in known.all_studies(store, limit)
        ]


def study(name: str, top: int = 10, settings: Settings | None = None) -> Json:
    """A study: its plan, how far it is, the best configurations, and what can be said of them.

    Raises:
        StudyError: there is none of that name, or `top` asks for nothing.
    """
    if top < 1:
        raise StudyError(f"top is {top}; give a number from 1 on.")
    with storing(given(settings)) as store:
        row = study_row(store, name)
        done = known.best(store, name, max(top, known.MOST_TRIALS))
        ranking = done[:top]
        failed = known.reasons(store, name, 20)
        second = [int(one["trial"]) for one in ranking[:2]]
        base = row["baseline"]
        wanted = {*(int(one["trial"]) for one in ranking), *([] if base is None else [int(base)])}
        runs = values_of(known.objectives(store, name, sorted(wanted)))
        stands = standing(store, name)
    kind = resolve(KINDS, row["kind"], "kind of study")
    best = second[0] if second else None
    pairs = [(second[0], second[1])] if len(second) == 2 else []
    if base is not None and best is not None and base != best:
        pairs.append((best, int(base)))
    return {
        "name": name,
        "kind": row["kind"],
        "spec": row["spec"],
        "baseline": base,
        "standing": stands,
        "objective": objective_title(row),
        "references": row["facts"].get("references", {}),
        "figures": {key: msgspec.to_builtins(figure) for key, figure in kind.figures.items()},
        "ranking": [_ranked(one, runs, best) for one in ranking],
        "effects": effects(row, done),
        "sentences": [told_of(runs, *pair) for pair in pairs],
        "undecided": [list(pair) for pair in pairs if undecided(runs, *pair)],
        "failed": [
            {"trial": one["trial"], "state": one["state"], "reason": one["reason"]}
            for one in failed
        ],
    }


def best_trial(name: str, settings: Settings | None = None) -> int:
    """The number of the best configuration; of those that are ended, if any is.

    Raises:
        StudyError: there is no such study, or nothing in it has finished.
    """
    with storing(given(settings)) as store:
        study_row(store, name)
        top = known.best(store, name, known.MOST_TRIALS)
    if not top:
        raise StudyError(f"No run of {name!r} has finished yet.")
    # One run of what goes on, or has failed, may be first by chance.
    ended = (one for one in top if one["state"] in (study_rows.DONE, study_rows.PRUNED))
    return int(next(ended, top[0])["trial"])


def curves(name: str, trials: Sequence[int], settings: Settings | None = None) -> list[Json]:
    """The learning curves of a few trials: trial, seed, [[step, value], ...]."""
    with storing(given(settings)) as store:
        study_row(store, name)
        return known.curves(store, name, trials)


def comparison(name: str, first: int, second: int, settings: Settings | None = None) -> Json:
    """Two trials: what differs in them, and whether one is better."""
    from engine.study.statistics import compare

    with storing(given(settings)) as store:
        study_row(store, name)
        rows = {int(one["trial"]): one for one in known.trials(store, name, 10_000)}
        for number in (first, second):
            if number not in rows:
                raise StudyError(f"The study {name!r} has no trial {number}.")
        runs = values_of(known.objectives(store, name, [first, second]))
    a, b = rows[first]["config"] or {}, rows[second]["config"] or {}
    found = compare(runs.get(first, {}), runs.get(second, {}))
    return {
        "differences": [
            {"name": key, "first": a.get(key), "second": b.get(key)}
            for key in sorted(a.keys() | b.keys())
            if a.get(key) != b.get(key)
        ],
        "sentence": told_of(runs, first, second),
        "distinguishable": bool(found and found.distinguishable),
        "undecided": undecided(runs, first, second),
        "runs": found.runs if found else 0,
        "improvement": found.improvement.value if found else None,
        "lead": found.lead.value if found else None,
    }


def effects(row: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> list[Json]:
    """What each varied parameter accounts for, the greatest first; empty with too few trials."""
    from engine.study.effects import effect

    done = [one for one in trials if one["objective"] is not None and one["config"]]
    objectives = [float(one["objective"]) for one in done]
    found = []
    for axis in row["spec"]["axes"]:
        seen = effect([one["config"].get(axis["name"]) for one in done], objectives)
        if seen is not None:
            found.append({"name": axis["name"], **seen._asdict()})
    return sorted(found, key=lambda one: -one["share"])


def values(name: str, settings: Settings | None = None) -> list[Json]:
    """Which values of each parameter are better over all else, the best first.

    Each with its interquartile mean over configurations, the stratified interval, and how probably
    a run of it beats one of the next value under equal conditions. Empty for what was drawn freely.

    Raises:
        StudyError: there is none of that name.
    """
    from engine.study.values import ranked, told

    with storing(given(settings)) as store:
        row = study_row(store, name)
        trials = known.best(store, name, known.MOST_TRIALS)
        runs = values_of(known.all_objectives(store, name))
    configs = {int(one["trial"]): one["config"] for one in trials if one["config"]}
    found: list[Json] = []
    for axis in row["spec"]["axes"]:
        found += told(ranked(axis["name"], configs, runs))
    return found


def values_of(runs: Sequence[Mapping[str, Any]]) -> dict[int, dict[int, float]]:
    """Trial -> seed -> objective, from rows of runs."""
    found: dict[int, dict[int, float]] = {}
    for run in runs:
        found.setdefault(int(run["trial"]), {})[int(run["seed"])] = float(run["objective"])
    return found


def told_of(runs: Mapping[int, Mapping[int, float]], first: int, second: int) -> str:
    """One sentence on two trials."""
    from engine.study.statistics import compare, sentence

    found = compare(runs.get(first, {}), runs.get(second, {}))
    return sentence(f"Trial {first}", f"trial {second}", found)


def undecided(runs: Mapping[int, Mapping[int, float]], first: int, second: int) -> bool:
    """Whether more seeds could tell two trials apart."""
    from engine.study.statistics import compare, is_undecided

    return is_undecided(compare(runs.get(first, {}), runs.get(second, {})))


OBJECTIVES = {
    "net": "Net saving, s",
    "saved": "Load time saved, s",
    "hits": "Hit ratio",
    "reward": "Reward, ms",
}


def objective_title(row: Mapping[str, Any]) -> str:
    """What the objective of a study is called."""
    if row["kind"] == "agent":
        return OBJECTIVES[row["spec"]["options"].get("objective", "net")]
    title: str = resolve(KINDS, row["kind"], "kind of study").objective.title
    return title


def _ranked(
    one: Mapping[str, Any], runs: Mapping[int, Mapping[int, float]], best: int | None
) -> Json:
    """A row; `improvement` is how probably a run of it beats one of the best on the same seeds."""
    names = ("trial", "state", "config", "objective", "low", "high", "runs", "seeds", "figures")
    number = int(one["trial"])
    chance = None
    if best is not None and number != best:
        from engine.study.statistics import improvement

        chance = improvement(runs.get(number, {}), runs.get(best, {}))
    return {name: one[name] for name in names} | {"improvement": chance}


def study_row(store: Engine, name: str) -> Json:
    """A study as it is stored.

    Raises:
        NoSuchStudy: there is none of that name.
    """
    row = known.one(store, name)
    if row is None:
        names = ", ".join(str(one["name"]) for one in known.all_studies(store, 20)) or "none yet"
        raise NoSuchStudy(f"There is no study {name!r}; there are: {names}.")
    return row


def _range(one: Any) -> str:  # noqa: ANN401 - a Parameter
    if one.choices:
        return ", ".join(map(str, one.choices))
    if one.free:
        return "any text"
    whole = "whole, " if one.whole else ""
    return f"{whole}{one.low:g} to {one.high:g}"


STATES = (
    study_rows.WAITING,
    study_rows.RUNNING,
    study_rows.DONE,
    study_rows.PRUNED,
    study_rows.FAILED,
)
"""What a trial may be."""
