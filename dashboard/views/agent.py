"""Agent: what does it decide, why, and does it pay?"""

from __future__ import annotations

import time
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.charts import learning, qvalues
from dashboard.charts.palette import colour
from dashboard.charts.panel import Panel
from dashboard.parts import agent_controls, agent_tables, exporting, shell, standstill
from dashboard.parts.drawing import card, chart, timeline
from dashboard.parts.services import ago
from dashboard.parts.states import empty, no_source
from engine.agent.words import action_words

WAITING = "No reward yet: it follows a decision's end by about two seconds."


STRETCH = 12
"""Intervals that the smoothed figures span: a minute, as intervals are set at first."""


def figures(rounds: pd.DataFrame, rewards: pd.DataFrame) -> None:
    """Headline figures of the window."""
    each = learning.means(rewards)
    judged = float(rewards["judged"].sum())
    sums = rounds.groupby("valid_from")[["count", "explored"]].sum().astype("float64")
    rates = rounds.groupby("valid_from")["exploration"].max().astype("float64")
    made = float(sums["count"].sum())
    with st.grid(6, min_column_width=150):
        mean = float(rewards["reward_ms"].astype("float64").sum()) / judged if judged else None
        smooth = each.rolling(STRETCH, min_periods=1).mean()
        card("Reward", mean, "ms", smooth, explains="Mean per decision in this window")
        best = float(smooth.iloc[STRETCH - 1 :].max()) if len(each) >= STRETCH else None
        card("Best stretch", best, "ms", smooth, explains=f"Highest mean of {STRETCH} intervals")
        rate = float(rates.iloc[-1]) if len(rates) else None
        card("Exploration", rate, "", rates, percent=True, explains="Chance of a random action")
        share = float(sums["explored"].sum()) / made if made else None
        recent = sums.rolling(STRETCH, min_periods=1).sum()
        random = recent["explored"] / recent["count"]
        card("Explored", share, "", random, percent=True, explains="Decisions that were random")
        card("Decisions", made, "", sums["count"], digits=0, explains="In this window")
        lost = rewards["without"].astype("float64")
        card("Without reward", float(lost.sum()), "", lost, digits=0, explains=_WITHOUT)


_WITHOUT = "Decisions of this window whose reward could not be computed: rows of theirs are missing"


def charts(
    source: data.SourceRow, decisions: pd.DataFrame, rounds: pd.DataFrame, rewards: pd.DataFrame
) -> None:
    """Rewards, exploration, actions, Q-table."""
    theme, span = shell.theme(), shell.span()
    events = data.events(shell.window_s())
    left, right = shell.pair()
    with left:
        st.markdown("**Reward** · mean per interval, and smoothed (factor 0.9)")
        shades = {learning.EACH: colour("reward", theme), learning.SMOOTH: colour("agent", theme)}
        panel = Panel("Reward (ms)", shades, ",.0f", faint=(learning.EACH,), theme=theme)
        lines = learning.reward_lines(rewards)
        timeline("agent-reward", lines, panel, waiting=WAITING, events=events)
        exploration(rounds)
        st.markdown("**Actions** · shares over time")
        if rounds.empty:
            empty("No decision in this window.")
        else:
            shares = rounds.groupby("action")["count"].sum() / rounds["count"].sum()
            says = "Shares of actions: " + ", ".join(
                f"{action_words(str(a))} {s:.0%}" for a, s in shares.items()
            )
            chart(learning.action_shares(rounds, span, theme), "agent-actions", says)
    with right:
        st.markdown(
            "**Q-table** · expected net share of load time saved; a dot marks the best action"
        )
        stored, visits = data.checkpoints(source.id), data.visits(source.id, shell.window_s())
        text = str(stored["state"].iloc[0]) if not stored.empty else None
        rows = qvalues.q_rows(decisions, visits, text)
        if rows.empty:
            empty("The Q-table fills with the first decisions.")
        else:
            count = rows["state"].nunique()
            says = f"Q-values of {count} states and 4 actions."
            chart(qvalues.q_heatmap(rows, theme), "agent-q", says)
            if count > qvalues.MOST_STATES:
                most = qvalues.MOST_STATES
                st.caption(f"The {most} states with most decisions in this window, of {count}.")


def exploration(rounds: pd.DataFrame) -> None:
    """How the chance of a random action falls."""
    theme = shell.theme()
    st.markdown("**Exploration** · chance of a random action")
    shades = {"exploration": colour("exploration", theme)}
    panel = Panel("Exploration (%)", shades, ".1%", ".0%", height=140, theme=theme, legend=False)
    line = learning.exploration_line(rounds)
    timeline("agent-exploration", line, panel, waiting=WAITING, floor=0.05)


def page_live(source: data.SourceRow) -> None:
    """Everything that moves."""
    shell.follow()
    window = shell.window_s()
    decisions, rewards = data.decisions(source.id, window), data.rewards(source.id, window)
    agent_controls.standing(source, decisions)
    rounds = data.rounds(source.id, window)
    figures(rounds, rewards)
    charts(source, decisions, rounds, rewards)
    agent_tables.shadows(source)
    age = f"{ago(time.time() - float(decisions['at'].iloc[0]))} old" if len(decisions) else "none"
    st.markdown(f"**Latest decisions** · newest first, newest {age}")
    agent_tables.newest(decisions)


standstill.notice()
found = data.active_source()
if found is None:
    no_source()
else:
    agent_controls.controls(found)
    shell.live(page_live, found)
    exporting.downloads("decisions", partial(data.all_decisions, found.id, shell.window_s()))
