"""What came of a job, in words: the same on the pages and in the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from engine.records import JobState


def note(row: Mapping[str, Any]) -> str:
    """What came of the job of a row of `jobs`: its result's own note where it ended well.

    `result` may be a mapping or its JSON; a job that has not ended well keeps its message.
    """
    message, result = str(row["message"]), row.get("result")
    if isinstance(result, str):
        result = json.loads(result)
    if not isinstance(result, Mapping):
        return message
    if str(row["state"]) == JobState.CANCELLED and result.get("models"):
        return f"{message}; the best so far is kept as {_models(result['models'])}"
    if str(row["state"]) != JobState.DONE:
        return message
    said = next((str(result[key]) for key in ("note", "summary", "told") if result.get(key)), "")
    if said:
        return said
    words = _WORDS.get(str(row["kind"]))
    return words(result) if words and result and message == "done" else message


def _seeded(result: Mapping[str, Any]) -> str:
    added, present = int(result.get("added") or 0), int(result.get("present") or 0)
    energy = int(result.get("energy_rows") or 0)
    tables = f"{energy:,} rows in the energy tables" if energy else "the energy tables were there"
    if not added:
        return f"nothing to add: all {present:,} requests were there already; {tables}"
    return f"{added:,} requests added to the source {result.get('source', 'seeded')}; {tables}"


def _sent(result: Mapping[str, Any]) -> str:
    sent, errors = int(result.get("requests") or 0), dict(result.get("errors") or {})
    wanted = sent + int(errors.get("not sent in time") or 0)
    head = f"{sent:,} of {wanted:,} requests sent" if wanted > sent else f"{sent:,} requests sent"
    return ", ".join([head, *(f"{int(count):,} {kind}" for kind, count in errors.items())])


def _imported(result: Mapping[str, Any]) -> str:
    info = result["info"]
    if not result["is_new"]:
        return f"these requests are there already: trace {info['name']}"
    told = f"trace {info['name']}: {info['requests']:,} requests for {info['distinct']:,} keys"
    left = int(info["malformed"])
    return f"{told}, {left:,} malformed lines left out" if left else told


def _compared(result: Mapping[str, Any]) -> str:
    names, sizes = (len({one[key] for one in result["outcomes"]}) for key in ("policy", "capacity"))
    return f"{names} policies at {sizes} sizes on {result['requests']:,} requests"


def _drawn(result: Mapping[str, Any]) -> str:
    curves = sum(map(len, result["curves"].values()))
    return f"{curves} curves on {result['requests']:,} requests"


def _trained(result: Mapping[str, Any]) -> str:
    return f"{_models(result['models'])}; best on validation: {result['best']}"


def _judged(result: Mapping[str, Any]) -> str:
    verdicts = result.get("verdicts") or []
    return str(verdicts[0]["sentence"]) if verdicts else _models(result["models"])


def _explained(result: Mapping[str, Any]) -> str:
    return f"{result['steps']:,} steps of model {result['model']} explained"


def _exported(result: Mapping[str, Any]) -> str:
    return f"model {result['model']} lies in {result['folder']}"


def _models(numbers: Any) -> str:  # noqa: ANN401 - a list
    return f"model{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "seed": _seeded,
    "simulate": _sent,
    "import": _imported,
    "compare": _compared,
    "curves": _drawn,
    "train": _trained,
    "evaluate": _judged,
    "steps": _explained,
    "export": _exported,
}
