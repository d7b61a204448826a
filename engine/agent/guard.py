"""Whether decisions are published: mode, hold, and the floor under which plain LRU takes over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.agent.deciding import Stance
from engine.records import Mode
from engine.tunables import Tuned

WINDOW_S = 300.0
"""The shadows are compared over this long."""

ENOUGH_S = 120.0
"""Less of both shadows is no evidence."""

REST_S = 60.0
"""After a change of mind it stands at least this long."""

MARGIN = 0.05
"""How much more plain LRU has to save before it takes over, as a share of its saving.

Exploring and measuring cost some 3 % where plain LRU is as good as anything (very dear loads).
"""


class Saving(msgspec.Struct, frozen=True):
    """What a shadow saved over the window, net of reloads and stale hits, in ms."""

    net_ms: float
    seconds: float


def saving(rows: list[Mapping[str, Any]], width: int, stale_weight_ms: float) -> Saving:
    """Add up total rollups of one shadow."""
    net = sum(
        row["saved_ms"] - row["refresh_ms"] - stale_weight_ms * row["stale_hits"] for row in rows
    )
    return Saving(net, len(rows) * float(width))


class Floor:
    """Falls back to plain LRU when its shadow saves more than the agent's, and comes back.

    While it rests the agent still decides and its shadow is still replayed, so the way back is
    judged by what the agent would have saved.
    """

    def __init__(self) -> None:
        self.why = self.evidence = ""
        self._changed_at = float("-inf")

    @property
    def fallen(self) -> bool:
        """Whether plain LRU is in force instead of the agent."""
        return bool(self.why)

    def update(self, agent: Saving, lru: Saving, now: float) -> bool:
        """Compare both shadows; True when the mind has changed."""
        if min(agent.seconds, lru.seconds) < ENOUGH_S or now - self._changed_at < REST_S:
            return False
        if not self.fallen and lru.net_ms - agent.net_ms > MARGIN * abs(lru.net_ms):
            self.evidence = (
                f"over the last {min(agent.seconds, WINDOW_S) / 60:.0f} min plain LRU saved "
                f"{lru.net_ms / 1000:.1f} s net and the agent {agent.net_ms / 1000:.1f} s"
            )
            self.why = f"not published: {self.evidence}"
        elif self.fallen and agent.net_ms >= lru.net_ms:
            self.why = ""
        else:
            return False
        self._changed_at = now
        return True


def mode_of(tuned: Tuned, is_own: bool) -> Mode:
    """The mode in force: `auto` controls the sample and advises on own sources."""
    chosen = tuned.text("agent.mode")
    if chosen == "auto":
        return Mode.ADVISE if is_own else Mode.CONTROL
    return Mode(chosen)


def stance(tuned: Tuned, is_own: bool, floor: Floor) -> Stance:
    """Whether a decision made now is published, and why not."""
    if mode_of(tuned, is_own) is Mode.ADVISE:
        return Stance(False, "advice only")
    if tuned.flag("agent.hold"):
        return Stance(False, "not published: on hold")
    return Stance(not floor.fallen, floor.why)


def news(floor: Floor, tuned: Tuned, is_own: bool) -> tuple[str, str]:
    """Level and sentence of the floor's last change of mind: what it meant for the cache.

    Where nothing is published anyway it changed nothing, and is only worth knowing.
    """
    shown = stance(tuned, is_own, Floor())
    if not shown.published:
        reason = shown.why.removeprefix("not published: ")
        verdict = floor.evidence if floor.fallen else "the agent saves as much as plain LRU again"
        return "info", f"In shadow {verdict}; the cache is not touched ({reason})."
    if floor.fallen:
        return "warning", f"Back to plain LRU, {floor.why}."
    return "info", "The agent's shadow saves as much as plain LRU again; it steers again."
