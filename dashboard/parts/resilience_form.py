"""Which test to run, in which form, with which figures; one click for one or for all."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import client, data, stored
from dashboard.parts import jobs, operating
from dashboard.parts import resilience_reads as reads
from engine.actions import resilience as act
from engine.resilience.base import LIVE_WORD
from engine.resilience.queues import QUEUES

COPY = {"scope": "copy", "confirm": ""}
"""All at once never harm the live engine from here."""


def form() -> None:
    """The controls and the buttons."""
    by_name = {str(one["name"]): one for one in reads.scenarios()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = str(
            st.selectbox(
                "Test",
                list(by_name),
                key="resilience-test",
                bind="query-params",
                width=300,
                format_func=lambda one: str(by_name[one]["title"]),
            )
        )
        chosen_form = st.segmented_control(
            "Form",
            ["quick", "full"],
            default="quick",
            required=True,
            key="resilience-form",
            bind="query-params",
            help="Quick: a real fault within some seconds; full: up to a minute",
        )
        quick = chosen_form != "full"
        chosen = _target(by_name[name])
        params = _parameters(by_name[name], quick=quick)
        _buttons(name, params, len(by_name), chosen, quick=quick)
    harmed = "the running engine" if chosen["scope"] == "live" else "a private copy of the pipeline"
    st.caption(f"{by_name[name]['question']} It runs on {harmed}.")


def _target(scenario: stored.Row) -> dict[str, str]:
    """What is harmed, with which queue, and the word that confirms it."""
    allowed = ["copy", "live"] if scenario["live"] else ["copy"]
    scope = st.segmented_control(
        "Harmed",
        allowed,
        default="copy",
        required=True,
        key=f"resilience-scope-{scenario['name']}",
        help="A private copy, or the running engine with all that hangs on it",
    )
    if scope == "live":
        word = st.text_input(
            f"Type {LIVE_WORD} to confirm",
            key=f"resilience-confirm-{scenario['name']}",
            width=190,
            help="Users of the running engine see what breaks; it is healed at the end",
        )
        return {"scope": "live", "backend": "", "confirm": word.strip()}
    usual = data.settings().queue_backend
    backend = st.segmented_control(
        "Queue",
        list(QUEUES),
        default=usual if usual in QUEUES else None,
        required=True,
        key="resilience-backend",
        help="Which backend serves the private queue",
    )
    return {"scope": "copy", "backend": str(backend or ""), "confirm": ""}


def _parameters(scenario: stored.Row, *, quick: bool) -> dict[str, Any]:
    """The figures that a person has changed."""
    changed: dict[str, Any] = {}
    with st.popover("Figures …", icon=":material/tune:"):
        for row in scenario["parameters"]:
            usual = float(row["quick"] if quick else row["default"])
            unit = f" ({row['unit']})" if row["unit"] else ""
            value = st.number_input(
                f"{row['name'].replace('_', ' ')}{unit}",
                float(row["low"]),
                float(row["high"]),
                usual,
                format="%g",
                key=f"resilience-{scenario['name']}-{row['name']}-{quick}",
                help=f"{row['help']}; {row['low']:g} to {row['high']:g}",
            )
            if value is not None and float(value) != usual:
                changed[str(row["name"])] = float(value)
    return changed


def _buttons(
    name: str, params: dict[str, Any], count: int, chosen: dict[str, str], *, quick: bool
) -> None:
    busy = bool(jobs.alive(reads.KINDS))
    if operating.button(
        "Run this test", type="primary", icon=":material/bolt:", key="resilience-run", disabled=busy
    ):
        _start([name], params, chosen, quick=quick)
    if operating.button(
        f"Run all {count}", icon=":material/playlist_play:", key="resilience-all", disabled=busy
    ):
        _start([], {}, chosen | COPY, quick=quick)
    jobs.cancel_buttons(reads.KINDS)


def _start(
    names: list[str], params: dict[str, Any], chosen: dict[str, str], *, quick: bool
) -> None:
    checked = client.ask(act.check_tests, names, params, quick=quick, **chosen)
    if not checked.done:
        st.toast(checked.sentence, icon=":material/error:", duration="long")
        return
    jobs.start("resilience", {"scenarios": names, "quick": quick, "params": params, **chosen,
                              "who": client.who()})  # fmt: skip
    reads.runs.clear()
    st.rerun()
