"""One look for each caching policy on every page: a hue for its family, shade and dash for itself.

Learned stands out in the colour of the agent; the optimum is drawn in ink and dashed; what only
limits (always, never) is grey. Titles are those of the policies themselves, repeated here because
reading them there would load the compiled replays into the page's process.
"""

from __future__ import annotations

from typing import NamedTuple

from dashboard.charts.palette import Theme, colour, is_dark


class Look(NamedTuple):
    """Title of a policy, its colour in light and dark, and the dash of its line."""

    title: str
    light: str
    dark: str
    dash: tuple[int, int] = (1, 0)


LEARNED, OPTIMUM = "learned", "belady"
_INK = ("#111827", "#F3F4F6")
_LIMIT = ("#9A9A9A", "#7A7A7A")

LOOKS: dict[str, Look] = {
    "lru": Look("LRU", "#8A8A8A", "#F0E442"),
    # what was asked for lately, in several queues: blue
    "slru": Look("SLRU", "#1B4F8F", "#9CCBF5"),
    "2q": Look("2Q", "#2274C8", "#56B4E9", (6, 3)),
    "mq": Look("MQ", "#4F9BE0", "#2F8FD0", (2, 2)),
    "arc": Look("ARC", "#2274C8", "#56B4E9"),
    "lirs": Look("LIRS", "#0F3566", "#C5E1FA", (6, 3)),
    # queues without moves on a hit: purple
    "fifo": Look("FIFO", "#B06BC2", "#B48CE0", (2, 2)),
    "s3-fifo": Look("S3-FIFO", "#A3338B", "#D06BB0"),
    "clock2q+": Look("Clock2Q+", "#7B2468", "#E5A3D2", (6, 3)),
    "sieve": Look("SIEVE", "#6A4FB3", "#A993F0"),
    # what was asked for often: green
    "lfu": Look("LFU", "#2E8B57", "#7FCF8F", (2, 2)),
    "w-tinylfu-1": Look("W-TinyLFU 1 %", "#0B5D44", "#B7E3A1"),
    "w-tinylfu-10": Look("W-TinyLFU 10 %", "#1F7A5C", "#8FD6A8", (6, 3)),
    "w-tinylfu-20": Look("W-TinyLFU 20 %", "#3D9970", "#5FBF8A", (4, 2)),
    "w-tinylfu-adaptive": Look("W-TinyLFU adaptive", "#0B5D44", "#B7E3A1", (8, 2)),
    # worth of a place: brown
    "gdsf": Look("GDSF", "#8A6100", "#E0B24F"),
    "gdsf-cost": Look("GDSF (cost)", "#6B4A00", "#F2CE7E", (6, 3)),
    "hyperbolic": Look("Hyperbolic", "#A67C1E", "#C99A3C", (2, 2)),
    "lhd": Look("LHD", "#7A3E1D", "#D9976B"),
    # limits and those that know the future
    "never": Look("Never (no cache)", *_LIMIT, (2, 2)),
    "always": Look("Always (unlimited room)", *_LIMIT, (6, 3)),
    "belady": Look("Belady (optimum)", *_INK, (5, 4)),
    "belady-value": Look("Belady by value (reference)", *_INK, (2, 3)),
}
"""Row of POLICIES -> how it looks."""

DEFAULT = ("lru", "arc", "s3-fifo", "w-tinylfu-adaptive", "gdsf", "belady")
"""Policies whose curves are drawn first: one of each family, and the optimum."""


def title(name: str) -> str:
    """The policy as people write it."""
    return LOOKS[name].title if name in LOOKS else name


def policy_colour(name: str, theme: Theme) -> str:
    """The colour of a policy; `learned` has that of the agent."""
    if name == LEARNED:
        return colour("agent", theme)
    if name not in LOOKS:
        return colour(name, theme)
    return LOOKS[name].dark if is_dark(theme) else LOOKS[name].light


def dash(name: str) -> list[int]:
    """The dash of a policy's line."""
    return list(LOOKS[name].dash) if name in LOOKS else [1, 0]
