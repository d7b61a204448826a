"""Two forecasters that were trained, if only in name, and that know their own checkpoint."""

from __future__ import annotations

from engine.forecast.naive import LastValue


class One(LastValue):
    name = "one"


class OneMore(LastValue):
    name = "one-more"
