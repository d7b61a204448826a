"""Charts and frames of the agent: rewards, shares of actions, the Q-table."""

from __future__ import annotations

import json
from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboard.charts.palette import Theme, colours, ramp
from dashboard.charts.panel import AnyChart, Span
from dashboard.charts.series import empty
from engine.agent.discretiser import describe
from engine.records import Action

ACTIONS = [action.value for action in Action]
EACH, SMOOTH = "each interval", "smoothed"
SMOOTHING = 0.9
BARS = 60


def reward_lines(rewards: pd.DataFrame) -> pd.DataFrame:
    """Mean reward of each interval's decisions, raw and as a moving average (factor 0.9)."""
    known = rewards.dropna(subset=["reward_ms"])
    if known.empty:
        return empty()
    each = known.astype({"reward_ms": "float64"}).groupby("valid_from")["reward_ms"].mean()
    smooth = each.ewm(alpha=1 - SMOOTHING).mean()
    parts = [
        pd.DataFrame({"at": each.index, "series": name, "value": values.to_numpy()})
        for name, values in ((EACH, each), (SMOOTH, smooth))
    ]
    return pd.concat(parts, ignore_index=True)


def exploration_line(decisions: pd.DataFrame) -> pd.DataFrame:
    """The exploration rate over time."""
    rates = decisions.groupby("at")["exploration"].last()
    return pd.DataFrame({"at": rates.index, "series": "exploration", "value": rates.to_numpy()})


def share_rows(decisions: pd.DataFrame, span: Span) -> pd.DataFrame:
    """Share of each action per bar; a window has at most `BARS` bars."""
    width = max(5.0, (span.end - span.start) / BARS)
    counted = decisions.assign(bar=(decisions["at"] // width) * width)
    counts = counted.groupby(["bar", "action"]).size().rename("count").reset_index()
    counts["order"] = counts["action"].map(ACTIONS.index)
    counts = counts.sort_values(["bar", "order"], ignore_index=True)
    bars = counts.groupby("bar")["count"]
    upper = bars.cumsum() / bars.transform("sum")
    share = counts["count"] / bars.transform("sum")
    return pd.DataFrame(
        {
            "at": pd.to_datetime(counts["bar"].astype("float64"), unit="s", utc=True),
            "until": pd.to_datetime(counts["bar"].astype("float64") + width, unit="s", utc=True),
            "action": counts["action"],
            "share": share,
            "low": upper - share,
            "high": upper,
        }
    )


def action_shares(decisions: pd.DataFrame, span: Span, theme: Theme) -> AnyChart:
    """Stacked bars over time: which actions are taken."""
    rows = share_rows(decisions, span)
    ends = pd.DataFrame(
        {
            "at": pd.to_datetime([span.start, span.end], unit="s", utc=True),
            "action": "",
            "low": 0.0,
        }
    )
    shades = colours(ACTIONS, theme)
    x = alt.X(
        "at:T",
        title=None,
        axis=alt.Axis(format="%H:%M:%S", labelOverlap="greedy", tickCount=6, grid=False),
        scale=alt.Scale(nice=False),
    )
    bars = (
        alt.Chart()
        .transform_filter("datum.action !== ''")
        .mark_bar(clip=True)
        .encode(
            x=x,
            x2="until:T",
            y=alt.Y(
                "low:Q",
                title="Share of decisions (%)",
                axis=alt.Axis(format=".0%", tickCount=5, titleFontWeight="normal"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            y2="high:Q",
            color=alt.Color(
                "action:N",
                scale=alt.Scale(domain=ACTIONS, range=list(shades.values())),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("at:T", title="Time", format="%H:%M:%S"),
                alt.Tooltip("action:N", title="Action"),
                alt.Tooltip("share:Q", title="Share", format=".0%"),
            ],
        )
    )
    edge = alt.Chart().transform_filter("datum.action === ''").mark_point(opacity=0).encode(x=x)
    data = pd.concat([rows, ends], ignore_index=True)
    return alt.layer(bars, edge, data=data).properties(height=240)


def q_rows(decisions: pd.DataFrame, checkpoint: str | None) -> pd.DataFrame:
    """State, action and value: the stored table where it can be read, else the newest decisions."""
    table = _stored(checkpoint) if checkpoint else {}
    if not table:
        newest = decisions.sort_values("at").drop_duplicates("state", keep="last")
        table = {str(row["state"]): _values(row["q_values"]) for row in newest.to_dict("records")}
    visits = decisions["state"].value_counts() if not decisions.empty else pd.Series(dtype="int64")
    return pd.DataFrame(
        [
            {
                "state": state,
                "meaning": describe(state),
                "action": action,
                "value": value,
                "best": value == max(values),
                "visits": int(visits.get(state, 0)),
            }
            for state, values in table.items()
            for action, value in zip(ACTIONS, values, strict=False)
        ],
        columns=["state", "meaning", "action", "value", "best", "visits"],
    )


def _stored(text: str) -> dict[str, Sequence[float]]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    for name in ("q", "table", "q_table", "values"):
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            return {state: _values(values) for state, values in found[name].items()}
    return {}


def _values(stored: object) -> Sequence[float]:
    if isinstance(stored, str):
        stored = json.loads(stored)
    return [float(value) for value in stored] if isinstance(stored, list | tuple) else []


def q_heatmap(rows: pd.DataFrame, theme: Theme) -> AnyChart:
    """The Q-table: one column a state, one row an action; zero is neutral."""
    low, zero, high = ramp(theme)
    drawn: alt.Chart = (
        alt.Chart(rows)
        .mark_rect(stroke="transparent")
        .encode(
            x=alt.X(
                "state:N",
                title="State: demand . trend . load time . share held",
                axis=alt.Axis(labelAngle=-90, labelOverlap=True, titleFontWeight="normal"),
            ),
            y=alt.Y("action:N", title=None, sort=ACTIONS),
            color=alt.Color(
                "value:Q",
                title="Q",
                scale=alt.Scale(domainMid=0, range=[low, zero, high], interpolate="rgb"),
                legend=alt.Legend(orient="right", gradientLength=140),
            ),
            tooltip=[
                alt.Tooltip("meaning:N", title="State"),
                alt.Tooltip("action:N", title="Action"),
                alt.Tooltip("value:Q", title="Q (share of load time)", format=".3f"),
                alt.Tooltip("visits:Q", title="Decisions in window"),
            ],
        )
        .properties(height=240)
    )
    return drawn


def shadow_table(frame: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Per policy over the window: hit ratio, saved ms per request, and the lead over plain LRU."""
    sums = frame.groupby("policy")[["requests", "hits", "saved_ms", "refresh_ms"]].sum()
    requests = sums["requests"].where(sums["requests"] > 0)
    saved = sums["saved_ms"] / requests
    base = saved.get("lru")
    table = pd.DataFrame(
        {
            "policy": [names.get(str(policy), str(policy)) for policy in sums.index],
            "requests": sums["requests"].to_numpy(),
            "hit_ratio": (sums["hits"] / requests).to_numpy(),
            "saved_ms": saved.to_numpy(),
            "refresh_ms": (sums["refresh_ms"] / requests).to_numpy(),
            "lead_ms": (saved - base).to_numpy() if base is not None else float("nan"),
        }
    )
    return table.sort_values("saved_ms", ascending=False, ignore_index=True)
