"""Agents: from a prediction to a decision, and from a reward to a better one."""

from __future__ import annotations

AGENTS: dict[str, str] = {
    "qlearning": "engine.agent.qlearning:QLearning",
    "heuristic": "engine.agent.heuristic:Heuristic",
    "policy": "engine.agent.policy:ModelPolicy",
}
