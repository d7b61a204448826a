"""What to compare: sizes, a time to live, and which policies; checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import client, stored
from dashboard.charts.policy_looks import DEFAULT, title
from dashboard.parts import jobs, operating
from engine.actions.policies import SIZES
from engine.cache import POLICIES
from engine.cache.sizes import parse_sizes

KINDS = ["compare", "curves"]
MOST_SIZES = 12


def form(trace: stored.Row) -> None:
    """The controls of a comparison and the two buttons that start one."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Sizes of the cache",
            ", ".join(SIZES),
            key="compare-sizes",
            width=230,
            help="Such as 500, 1% (of what unlimited room would hold), 64M; separated by commas",
        )
        by_bytes = _unit(trace)
        ttl = st.number_input(
            "Time to live (s)",
            0.0,
            1e9,
            0.0,
            key="compare-ttl",
            width=150,
            format="%g",
            help="A result ends so long after it was loaded, in the trace's time; 0: never",
        )
        policies = st.multiselect(
            "Policies",
            list(POLICIES),
            key="compare-policies",
            format_func=title,
            placeholder="all",
            width=300,
        )
    sizes = tuple(part.strip() for part in text.split(",") if part.strip())
    trouble = size_trouble(sizes)
    if trouble:
        st.error(trouble, icon=":material/error:")
    params = wanted(trace, sizes, by_bytes, float(ttl), tuple(policies))
    _buttons(trace, params, bool(trouble))


def _unit(trace: stored.Row) -> bool:
    sized = trace["sizes"] == "recorded"
    unit = st.segmented_control(
        "Counted in",
        ["results", "bytes"],
        default="results",
        required=True,
        key="compare-unit",
        disabled=not sized,
        help=None if sized else "This trace records no sizes",
    )
    return bool(sized and unit == "bytes")


def size_trouble(sizes: tuple[str, ...]) -> str:
    """Why these are no sizes, in one sentence; empty where they are."""
    if not 1 <= len(sizes) <= MOST_SIZES:
        return f"{len(sizes)} sizes are given; give 1 to {MOST_SIZES}, separated by commas."
    return client.ask(parse_sizes, sizes, 1).sentence


def wanted(
    trace: Mapping[str, Any],
    sizes: tuple[str, ...],
    by_bytes: bool,
    ttl_s: float,
    policies: tuple[str, ...],
) -> dict[str, Any]:
    """The parameters of the job "compare"."""
    params: dict[str, Any] = {"trace": trace["name"], "sizes": list(sizes)}
    if by_bytes:
        params["by_bytes"] = True
    if ttl_s:
        params["ttl_s"] = ttl_s
    if policies:
        params["policies"] = list(policies)
    return params


def _buttons(trace: stored.Row, params: dict[str, Any], stopped: bool) -> None:
    with st.container(horizontal=True):
        if operating.button(
            "Compare",
            type="primary",
            key="compare",
            icon=":material/leaderboard:",
            disabled=stopped or bool(jobs.alive(["compare"])),
            help="The first time on a machine the policies are compiled, which takes a minute or "
            "two; after that a million requests take seconds",
        ):
            jobs.start("compare", params)
            st.rerun()
        if operating.button(
            "Draw curves over all sizes",
            key="curves",
            icon=":material/show_chart:",
            disabled=bool(jobs.alive(["curves"])),
            help="What a cache of any size would save; long traces are sampled, with the error",
        ):
            names = params.get("policies") or [name for name in DEFAULT if name in POLICIES]
            asked = {"trace": trace["name"], "policies": names}
            jobs.start(
                "curves", asked | {k: params[k] for k in ("by_bytes", "ttl_s") if k in params}
            )
            st.rerun()
        jobs.cancel_buttons(KINDS)
