"""Writing a study to a file: CSV, JSON, or one HTML page that needs nothing else."""

from __future__ import annotations

import csv
import html
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from db.queries import studies as known
from engine.actions.store import given, storing
from engine.actions.study_results import study
from engine.actions.study_words import differing, shown
from engine.errors import StudyError
from engine.settings import Settings
from engine.spreadsheet import defused
from engine.study.plan import MOST_TRIALS

MOST = MOST_TRIALS
MOST_RUNS = 100_000
PLOT_W, PLOT_H = 720, 260


def export_study(name: str, file: str, settings: Settings | None = None) -> Path:
    """Write a study; the ending says as what. Returns the file.

    Raises:
        StudyError: there is no such study or ending, or the file cannot be written.
    """
    path = Path(file)
    text = exported(name, path.suffix.lstrip(".").lower(), settings)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise StudyError(f"{path} cannot be written ({error.strerror}); name another.") from None
    return path.resolve()


def exported(name: str, form: str, settings: Settings | None = None) -> str:
    """A study as text of a form.

    Raises:
        StudyError: there is no such study or form.
    """
    if form not in FORMS:
        raise StudyError(f"A study is written as {', '.join(FORMS)}, not as {form!r}.")
    held = given(settings)
    found = study(name, MOST, held)
    with storing(held) as store:
        runs = known.all_objectives(store, name, MOST_RUNS)
        best = [int(one["trial"]) for one in found["ranking"][:5]]
        curves = known.curves(store, name, best)
    return FORMS[form](found, runs, curves)


def _csv(
    found: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], _: Sequence[Mapping[str, Any]]
) -> str:
    configs = {one["trial"]: one["config"] or {} for one in found["ranking"]}
    parameters = [axis["name"] for axis in found["spec"]["axes"]]
    figures = list(found["figures"])
    told = io.StringIO()
    writer = csv.writer(told, lineterminator="\n")
    writer.writerow(["trial", "seed", *parameters, "objective", *figures, "seconds"])
    for run in runs:
        config = configs.get(run["trial"], {})
        writer.writerow(
            [
                run["trial"],
                run["seed"],
                *(defused(config.get(name, "")) for name in parameters),
                run["objective"],
                *(defused(run["figures"].get(name, "")) for name in figures),
                round(run["seconds"], 3),
            ]
        )
    return told.getvalue()


def _json(
    found: Mapping[str, Any],
    runs: Sequence[Mapping[str, Any]],
    curves: Sequence[Mapping[str, Any]],
) -> str:
    return json.dumps({**found, "runs": list(runs), "curves": list(curves)}, indent=1)


def _html(
    found: Mapping[str, Any],
    _runs: Sequence[Mapping[str, Any]],
    curves: Sequence[Mapping[str, Any]],
) -> str:
    name = html.escape(str(found["name"]))
    parameters = differing(found["spec"]["axes"])
    head = ["Trial", *parameters, found["objective"], "95 % interval", "n"]
    head += [found["figures"][key]["title"] for key in found["figures"]]
    lines = "".join(_line(one, parameters, found["figures"]) for one in found["ranking"])
    columns = "".join(f"<th>{html.escape(str(title))}</th>" for title in head)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Study {name}</title>{_STYLE}"
        f"<h1>Study {name}</h1><pre>{html.escape(shown({**found, 'ranking': []}))}</pre>"
        f"<h2>Learning curves of the best five</h2>{_plot(curves)}"
        f"<h2>All configurations</h2><table><tr>{columns}</tr>{lines}</table>"
        f"<h2>Plan</h2><pre>{html.escape(json.dumps(found['spec'], indent=1))}</pre>"
    )


def _line(
    one: Mapping[str, Any], parameters: Sequence[str], figures: Mapping[str, Mapping[str, Any]]
) -> str:
    config, kept = one["config"] or {}, one["figures"] or {}
    interval = "-" if one["low"] is None else f"{one['low']:.4g} to {one['high']:.4g}"
    cells = [
        one["trial"],
        *(config.get(name, "") for name in parameters),
        f"{one['objective']:.4g}",
        interval,
        one["runs"],
        *(format(kept[key], figures[key]["form"]) if key in kept else "-" for key in figures),
    ]
    return "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _plot(curves: Sequence[Mapping[str, Any]]) -> str:
    """One line a run in plain SVG; the best configuration is drawn thick."""
    points = [point for one in curves for point in one["curve"]]
    if not points:
        return "<p>No curve yet.</p>"
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)
    wide, tall = max(right - left, 1e-12), max(high - low, 1e-12)
    lines = []
    order = list(dict.fromkeys(int(one["trial"]) for one in curves))
    for one in curves:
        place = order.index(int(one["trial"]))
        path = " ".join(
            f"{(x - left) / wide * PLOT_W:.1f},{(high - y) / tall * PLOT_H:.1f}"
            for x, y in one["curve"]
        )
        shade = _SHADES[place % len(_SHADES)]
        thick = 1 if place else 2.5
        lines.append(
            f'<polyline points="{path}" fill="none" stroke="{shade}" stroke-width="{thick}" />'
        )
    keys = ", ".join(
        f'<b style="color:{_SHADES[place % len(_SHADES)]}">trial {number}</b>'
        for place, number in enumerate(order)
    )
    return (
        f'<svg viewBox="0 -8 {PLOT_W} {PLOT_H + 16}" role=img aria-label="Learning curves">'
        f"{''.join(lines)}</svg><p>{keys}; from {low:.4g} to {high:.4g}, over {left:g} to "
        f"{right:g}.</p>"
    )


_SHADES = ("#2274C8", "#D55E00", "#0B5D44", "#A3338B", "#8A8A8A")
_STYLE = (
    "<style>body{font:15px system-ui;margin:2rem auto;max-width:1100px;padding:0 1rem}"
    "table{border-collapse:collapse;font-size:13px}td,th{border-bottom:1px solid #8884;"
    "padding:4px 10px;text-align:right}pre{overflow:auto}svg{width:100%;max-width:900px}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}}</style>"
)

FORMS: dict[str, Callable[..., str]] = {"csv": _csv, "json": _json, "html": _html}
"""Ending -> who writes it."""
