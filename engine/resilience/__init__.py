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
    "forecaster_killed": "engine.resilience.scenarios.forecaster_killed:ForecasterKilled",
    "queue_killed": "engine.resilience.scenarios.queue_killed:QueueKilled",
    "queue_frozen": "engine.resilience.scenarios.queue_frozen:QueueFrozen",
    "connection_cut": "engine.resilience.scenarios.connection_cut:ConnectionCut",
    "connection_reset": "engine.resilience.scenarios.connection_reset:ConnectionReset",
    "latency": "engine.resilience.scenarios.latency:Latency",
    "fragmented": "engine.resilience.scenarios.fragmented:Fragmented",
    "reconnect_storm": "engine.resilience.scenarios.reconnect_storm:ReconnectStorm",
    "page_storm": "engine.resilience.scenarios.page_storm:PageStorm",
    "poison": "engine.resilience.scenarios.poison:Poison",
    "database_locked": "engine.resilience.scenarios.database_locked:DatabaseLocked",
    "database_killed": "engine.resilience.scenarios.database_killed:DatabaseKilled",
    "engine_killed": "engine.resilience.scenarios.engine_killed:EngineKilled",
    "crash_loop": "engine.resilience.scenarios.crash_loop:CrashLoop",
    "cpu_squeeze": "engine.resilience.scenarios.cpu_squeeze:CpuSqueeze",
    "limits": "engine.resilience.scenarios.limits:Limits",
    "clock_jump": "engine.resilience.scenarios.clock_jump:ClockJump",
    "soak": "engine.resilience.scenarios.soak:Soak",
}
"""Name -> the class; the API, the page, the command line and the tests pick rows up from here."""
