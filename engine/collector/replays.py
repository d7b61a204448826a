"""Shadow policies, replayed over the same requests that the source recorded."""

from __future__ import annotations

from sqlalchemy import Engine

from engine.collector.follower import Replays
from engine.settings import Settings
from engine.sources import Source


def make_replays(settings: Settings, source: Source, store: Engine) -> Replays | None:
    """The shadows of a source; None while none are known."""
    _ = settings, source, store
    return None
