"""One colour for each policy, forecaster, action and percentile, on every page, light and dark.

Five colours of each theme keep 3.5:1 against its background and a distance of more than 18
(CIE76) under normal and simulated colour-blind vision; series beyond that differ by dash.
"""

from __future__ import annotations

from typing import Literal

Theme = Literal["light", "dark", "light still", "dark still"]
"""What a chart is drawn for; *still* where nothing runs: in greys, as it shows the past alone."""

_BLUE, _ORANGE, _GREEN, _PURPLE, _GREY = range(5)
_COLOURS: dict[Theme, tuple[str, ...]] = {
    "light": ("#2274C8", "#D55E00", "#0B5D44", "#A3338B", "#8A8A8A"),
    "dark": ("#56B4E9", "#F2803A", "#B7E3A1", "#D06BB0", "#F0E442"),
    "light still": ("#6E6E6E", "#8C8C8C", "#555555", "#A3A3A3", "#BBBBBB"),
    "dark still": ("#A8A8A8", "#858585", "#C4C4C4", "#6E6E6E", "#585858"),
}
_RAMPS: dict[Theme, tuple[str, str, str]] = {
    "light": ("#D55E00", "#F3F4F6", "#2274C8"),
    "dark": ("#F2803A", "#26272B", "#56B4E9"),
    "light still": ("#9B9B9B", "#F3F4F6", "#5F5F5F"),
    "dark still": ("#6A6A6A", "#26272B", "#B5B5B5"),
}
_SERIES = {
    # policies
    "measured": _BLUE,
    "agent": _ORANGE,
    "heuristic": _GREEN,
    "always keep": _PURPLE,
    "plain LRU": _GREY,
    # forecasters, beside what came (blue)
    "came": _BLUE,
    "forecast": _ORANGE,
    "lstm": _ORANGE,
    "seasonal": _GREEN,
    "last": _GREY,
    "last value": _GREY,
    # actions
    "drop": _GREY,
    "keep_short": _BLUE,
    "keep_long": _GREEN,
    "keep_refresh": _ORANGE,
    # percentiles
    "p50": _BLUE,
    "p95": _PURPLE,
    "p99": _ORANGE,
    # queue
    "depth": _BLUE,
    "in": _BLUE,
    "out": _GREEN,
    "overwritten": _ORANGE,
    # single series
    "requests": _BLUE,
    "reward": _BLUE,
    "exploration": _PURPLE,
    # load time
    "hit": _BLUE,
    "miss": _ORANGE,
}
POLICY_NAMES = {
    "recorded": "measured",
    "agent": "agent",
    "heuristic": "heuristic",
    "always": "always keep",
    "lru": "plain LRU",
}
"""Word of the rollups' `policy` column -> word on the pages."""

_EVENTS: dict[bool, dict[str, str]] = {
    False: {"info": "#6B7280", "warning": "#B45309", "error": "#C62828", "over": "#0B5D44"},
    True: {"info": "#9CA3AF", "warning": "#FBBF24", "error": "#FF7B72", "over": "#B7E3A1"},
}


def is_dark(theme: Theme) -> bool:
    """Whether the page's background is dark."""
    return theme.startswith("dark")


def event_colours(theme: Theme) -> dict[str, str]:
    """Level of an event -> colour; the same where nothing runs, since events tell why."""
    return _EVENTS[is_dark(theme)]


def colours(names: list[str], theme: Theme) -> dict[str, str]:
    """Series name -> colour; names without a colour of their own take turns by position."""
    ring = _COLOURS[theme]
    return {
        name: ring[_SERIES[name]] if name in _SERIES else ring[place % len(ring)]
        for place, name in enumerate(names)
    }


def colour(name: str, theme: Theme) -> str:
    """The colour of one series."""
    return colours([name], theme)[name]


def ramp(theme: Theme) -> tuple[str, str, str]:
    """Three colours from low over zero to high, for signed values such as Q-values."""
    return _RAMPS[theme]
