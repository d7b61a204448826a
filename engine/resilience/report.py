"""A run as one HTML file that needs nothing else: verdict, evidence, curves with the fault."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

NAME = "report.html"
WIDE, HIGH, LEFT, BELOW = 860, 150, 56, 22

_STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;
margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
.pass{color:#0a7d4f}.fail{color:#c62828;font-weight:600}.unknown{color:#b26a00}
svg{width:100%;height:auto}svg text{font-size:11px;fill:currentColor}small{opacity:.75}
@media(prefers-color-scheme:dark){.pass{color:#66d19e}.fail{color:#ff8a80}.unknown{color:#ffb74d}}
"""

CURVES = (
    ("Load and deliveries (/s)", (("offered", "#2274C8"), ("handed", "#D55E00"))),
    ("Depth (of 100)", (("depth", "#2274C8"),)),
    ("Delay, p95 (ms)", (("enqueue_p95_ms", "#2274C8"), ("dequeue_p95_ms", "#D55E00"))),
)


def write_report(folder: Path, row: Mapping[str, Any]) -> Path:
    """Write the report of a run as it stands; readers see a whole file at any time."""
    path = folder / NAME
    draft = path.with_suffix(".draft")
    draft.write_text(render(row), encoding="utf-8")
    draft.replace(path)
    return path


def render(row: Mapping[str, Any]) -> str:
    """The report of a run, whether it runs or has ended."""
    verdict = str(row["verdict"] or "unknown")
    told = verdict if row["state"] == "done" else str(row["state"])
    began = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(float(row["began_at"])))
    params = ", ".join(f"{name} = {value:g}" for name, value in row["params"].items()) or "none"
    again = "" if row["state"] != "running" else '<meta http-equiv="refresh" content="2">'
    form = f"{'quick' if row['quick'] else 'full'} form, {row['backend']} queue, {row['scope']}"
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8>{again}",
        f"<title>{_text(row['scenario'])}: {_text(told)}</title><style>{_STYLE}</style>",
        f"<h1>{_text(row['scenario'])}: <span class={verdict}>{_text(told)}</span></h1>",
        f"<p>{began}, {float(row['seconds']):.1f} s, {_text(form)}. Parameters: {_text(params)}.",
        f"<small>Run {_text(row['id'])}</small></p>",
        f"<p>{_text(row['note'])}</p>" if row["note"] else "",
        _findings(row["findings"]),
        *(_curve(title, series, row["timeline"]) for title, series in CURVES),
        _marks(row["timeline"].get("marks", [])),
        _figures(row["figures"]),
        "</html>",
    ]
    return "\n".join(part for part in parts if part)


def _findings(findings: Sequence[Mapping[str, Any]]) -> str:
    if not findings:
        return "<p>Nothing has been judged yet.</p>"
    lines = [
        f"<tr><td>{_text(f['checker'])}<td class={_text(f['verdict'])}>{_text(f['verdict'])}"
        f"<td>{_text(f['evidence'])}<td>{_text(f['threshold'])}"
        for f in findings
    ]
    head = "<tr><th>Checked<th>Verdict<th>Seen<th>Asked for"
    return f"<h2>Verdict</h2><table>{head}{''.join(lines)}</table>"


def _curve(title: str, series: Sequence[tuple[str, str]], timeline: Mapping[str, Any]) -> str:
    at = timeline["at"]
    if not at:
        return f"<h2>{_text(title)}</h2><p>No figures yet.</p>"
    end = max(at[-1], 0.1)
    top = max((v for name, _ in series for v in timeline[name] if v is not None), default=0) or 1.0
    drawn = [_shades(timeline["marks"], end)]
    for name, colour in series:
        points = " ".join(
            f"{LEFT + (WIDE - LEFT) * t / end:.1f},{HIGH - (HIGH - 12) * v / top:.1f}"
            for t, v in zip(at, timeline[name], strict=True)
            if v is not None
        )
        drawn.append(f'<polyline fill=none stroke="{colour}" stroke-width=1.6 points="{points}"/>')
    names = ", ".join(f'<span style="color:{colour}">{_text(n)}</span>' for n, colour in series)
    axes = (
        f"<text x=0 y=18>{top:.4g}</text><text x=0 y={HIGH}>0</text><text x={LEFT} "
        f"y={HIGH + 16}>0 s</text><text x={WIDE - 40} y={HIGH + 16}>{end:.1f} s</text>"
    )
    box = f'viewBox="0 0 {WIDE} {HIGH + BELOW}"'
    return f"<h2>{_text(title)}</h2><p>{names}</p><svg {box}>{''.join(drawn)}{axes}</svg>"


def _shades(marks: Sequence[Sequence[Any]], end: float) -> str:
    """The fault's time, shaded; each injection as a line."""
    begun = next((at for at, kind, words in marks if kind == "phase" and words == "fault"), None)
    over = next((at for at, kind, words in marks if kind == "phase" and words == "after"), end)
    drawn = ""
    if begun is not None and any(kind == "injected" for _, kind, _ in marks):
        x, wide = _place(begun, end), _place(min(over, end), end) - _place(begun, end)
        drawn = (
            f'<rect x={x:.1f} y=6 width={max(0.0, wide):.1f} height={HIGH - 6} fill="#D55E0022"/>'
        )
    for at, kind, words in marks:
        if kind == "injected":
            x = _place(at, end)
            line = f'<line x1={x:.1f} x2={x:.1f} y1=6 y2={HIGH} stroke="#c62828">'
            drawn += f"{line}<title>{_text(words)}</title></line>"
    return drawn


def _place(at: float, end: float) -> float:
    return LEFT + (WIDE - LEFT) * at / end


def _marks(marks: Sequence[Sequence[Any]]) -> str:
    lines = "".join(
        f"<tr><td>{at:.2f} s<td>{_text(kind)}<td>{_text(words)}" for at, kind, words in marks
    )
    return f"<h2>What happened when</h2><table>{lines}</table>" if lines else ""


def _figures(figures: Mapping[str, float]) -> str:
    lines = "".join(f"<tr><td>{_text(name)}<td>{value:,.4g}" for name, value in figures.items())
    return f"<h2>Figures</h2><table>{lines}</table>" if lines else ""


def _text(value: object) -> str:
    return html.escape(str(value))
