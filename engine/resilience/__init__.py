"""Resilience tests: scenarios that break the running system, and checkers that judge it."""

from __future__ import annotations

SCENARIOS: dict[str, str] = {
    "control": "engine.resilience.scenarios.control:Control",
    "burst": "engine.resilience.scenarios.burst:Burst",
    "ramp": "engine.resilience.scenarios.ramp:Ramp",
    "agent_stalled": "engine.resilience.scenarios.agent_stalled:AgentStalled",
    "slow_agent": "engine.resilience.scenarios.slow_agent:SlowAgent",
    "agent_killed": "engine.resilience.scenarios.agent_killed:AgentKilled",
    "producer_killed": "engine.resilience.scenarios.producer_killed:ProducerKilled",
    "queue_killed": "engine.resilience.scenarios.queue_killed:QueueKilled",
    "queue_frozen": "engine.resilience.scenarios.queue_frozen:QueueFrozen",
    "connection_cut": "engine.resilience.scenarios.connection_cut:ConnectionCut",
    "connection_reset": "engine.resilience.scenarios.connection_reset:ConnectionReset",
    "latency": "engine.resilience.scenarios.latency:Latency",
    "fragmented": "engine.resilience.scenarios.fragmented:Fragmented",
}
"""Name -> the class; the API, the page, the command line and the tests pick rows up from here."""
