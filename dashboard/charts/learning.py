"""Charts and frames of the agent: rewards, exploration, shares of actions."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import Theme, colours
from dashboard.charts.panel import AnyChart, Span
from dashboard.charts.series import empty
from engine.agent.words import ACTION_WORDS, action_words
from engine.records import Action

ACTIONS = [action.value for action in Action]
WORDS = [ACTION_WORDS[action] for action in Action]
EACH, SMOOTH = "each interval", "smoothed"
SMOOTHING = 0.9
BARS = 60


def reward_lines(rewards: pd.DataFrame) -> pd.DataFrame:
    """Mean reward of each interval's decisions, raw and as a moving average (factor 0.9)."""
    each = means(rewards)
    if each.empty:
        return empty()
    smooth = each.ewm(alpha=1 - SMOOTHING).mean()
    parts = [
        pd.DataFrame({"at": each.index, "series": name, "value": values.to_numpy()})
        for name, values in ((EACH, each), (SMOOTH, smooth))
    ]
    return pd.concat(parts, ignore_index=True)


def means(rewards: pd.DataFrame) -> pd.Series:
    """Mean reward (ms) of each interval's judged decisions, by the interval's begin."""
    known = rewards[rewards["judged"] > 0].astype({"reward_ms": "float64"})
    return (known["reward_ms"] / known["judged"]).set_axis(known["valid_from"])


def exploration_line(rounds: pd.DataFrame) -> pd.DataFrame:
    """The exploration rate over time."""
    rates = rounds.groupby("valid_from")["exploration"].max()
    return pd.DataFrame({"at": rates.index, "series": "exploration", "value": rates.to_numpy()})


def share_rows(rounds: pd.DataFrame, span: Span) -> pd.DataFrame:
    """Share of each action per bar; a window has at most `BARS` bars."""
    width = max(5.0, (span.end - span.start) / BARS)
    counted = rounds.assign(bar=(rounds["valid_from"] // width) * width)
    counts = counted.groupby(["bar", "action"])["count"].sum().reset_index()
    counts["order"] = counts["action"].map(ACTIONS.index)
    counts = counts.sort_values(["bar", "order"], ignore_index=True)
    bars = counts.groupby("bar")["count"]
    upper = bars.cumsum() / bars.transform("sum")
    share = counts["count"] / bars.transform("sum")
    return pd.DataFrame(
        {
            "at": pd.to_datetime(counts["bar"].astype("float64"), unit="s", utc=True),
            "until": pd.to_datetime(counts["bar"].astype("float64") + width, unit="s", utc=True),
            "action": counts["action"].map(action_words),
            "share": share,
            "low": upper - share,
            "high": upper,
        }
    )


def action_shares(rounds: pd.DataFrame, span: Span, theme: Theme) -> AnyChart:
    """Stacked bars over time: which actions are taken."""
    rows = share_rows(rounds, span)
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
                scale=alt.Scale(domain=WORDS, range=list(shades.values())),
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
