"""Agent: what does it decide, why, and does it pay?"""

from __future__ import annotations

import time
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import client, data
from dashboard.charts import learning, qvalues
from dashboard.charts.palette import colour
from dashboard.charts.panel import Panel
from dashboard.parts import agent_controls, agent_tables, exporting, shell
from dashboard.parts.drawing import card, chart, timeline
from dashboard.parts.services import ago
from dashboard.parts.states import empty, engine_missing, no_source
from engine.agent.words import action_words

WAITING = "No reward yet: it follows a decision's end by about two seconds."


def figures(decisions: pd.DataFrame, rewards: pd.DataFrame) -> None:
    """Headline figures of the window."""
    known = rewards["reward_ms"].astype("float64").dropna().iloc[::-1]
    rates = decisions["exploration"].astype("float64").iloc[::-1]
    with st.grid(6, min_column_width=150):
        mean = float(known.mean()) if len(known) else None
        smooth = known.rolling(20, min_periods=1).mean()
        card("Reward", mean, "ms", smooth, explains="Mean per decision in this window")
        best = float(smooth.max()) if len(known) else None
        card("Best stretch", best, "ms", explains="Highest mean of 20 decisions in a row")
        rate = float(rates.iloc[-1]) if len(rates) else None
        card("Exploration", rate, "", rates, percent=True, explains="Chance of a random action")
        share = float(decisions["explored"].astype(bool).mean()) if len(decisions) else None
        random = decisions["explored"].astype("float64").iloc[::-1].rolling(40, 1).mean()
        card("Explored", share, "", random, percent=True, explains="Decisions that were random")
        rounds = decisions.groupby("valid_from").size()
        card("Decisions", float(len(decisions)), "", rounds, digits=0, explains="In this window")
        lost = float(rewards["reward_ms"].isna().sum())
        card("Without reward", lost, "", digits=0, explains="Not computable; the row says why")


def charts(source: data.SourceRow, decisions: pd.DataFrame, rewards: pd.DataFrame) -> None:
    """Rewards, exploration, actions, Q-table."""
    theme, span = shell.theme(), shell.span()
    events = data.events(shell.window_s())
    left, right = st.columns(2)
    with left:
        st.markdown("**Reward** · mean per interval, and smoothed (factor 0.9)")
        shades = {learning.EACH: colour("reward", theme), learning.SMOOTH: colour("agent", theme)}
        panel = Panel("Reward (ms)", shades, ",.0f", faint=(learning.EACH,), theme=theme)
        lines = learning.reward_lines(rewards)
        timeline("agent-reward", lines, panel, waiting=WAITING, events=events)
        st.markdown("**Actions** · shares over time")
        if decisions.empty:
            empty("No decision in this window.")
        else:
            shares = decisions["action"].value_counts(normalize=True)
            says = "Shares of actions: " + ", ".join(
                f"{action_words(str(a))} {s:.0%}" for a, s in shares.items()
            )
            chart(learning.action_shares(decisions, span, theme), "agent-actions", says)
    with right:
        st.markdown("**Exploration** · chance of a random action")
        panel = Panel(
            "Exploration (%)",
            {"exploration": colour("exploration", theme)},
            ".1%",
            ".0%",
            theme=theme,
            legend=False,
        )
        line = learning.exploration_line(decisions)
        timeline("agent-exploration", line, panel, waiting=WAITING, floor=0.05)
        st.markdown(
            "**Q-table** · expected net share of load time saved; a dot marks the best action"
        )
        stored = data.checkpoints(source.id)
        text = str(stored["state"].iloc[0]) if not stored.empty else None
        rows = qvalues.q_rows(decisions, text)
        if rows.empty:
            empty("The Q-table fills with the first decisions.")
        else:
            count = rows["state"].nunique()
            says = f"Q-values of {count} states and 4 actions."
            chart(qvalues.q_heatmap(rows, theme), "agent-q", says)
            if count > qvalues.MOST_STATES:
                most = qvalues.MOST_STATES
                st.caption(f"The {most} states with most decisions in this window, of {count}.")


def page_live(source: data.SourceRow) -> None:
    """Everything that moves."""
    window = shell.window_s()
    decisions, rewards = data.decisions(source.id, window), data.rewards(source.id, window)
    agent_controls.standing(source, decisions)
    figures(decisions, rewards)
    charts(source, decisions, rewards)
    agent_tables.shadows(source)
    age = f"{ago(time.time() - float(decisions['at'].iloc[0]))} old" if len(decisions) else "none"
    st.markdown(f"**Latest decisions** · newest first, newest {age}")
    agent_tables.newest(decisions)


if client.engine() is None:
    engine_missing()
found = data.active_source()
if found is None:
    no_source()
else:
    agent_controls.controls(found)
    shell.live(page_live, found)
    exporting.downloads("decisions", partial(data.decisions, found.id, shell.window_s()))
