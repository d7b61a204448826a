"""Looking at tunables and changing them while the engine runs."""

from __future__ import annotations

from typing import Any

from db.queries import system
from db.writes import set_tunable as write_tunable
from engine.actions.store import audited, given, storing
from engine.settings import Settings
from engine.tunables import TUNABLES, Tuned, Value, check


def tunables(settings: Settings | None = None) -> list[dict[str, Any]]:
    """Every tunable with its value, default, unit, range or choices, and meaning."""
    with storing(given(settings)) as store:
        tuned = Tuned(system.tunables(store))
    return [
        {
            "name": name,
            "value": tuned[name],
            "default": tunable.default,
            "unit": tunable.unit,
            "low": tunable.low,
            "high": tunable.high,
            "whole": tunable.whole,
            "choices": list(tunable.choices),
            "help": tunable.help,
        }
        for name, tunable in TUNABLES.items()
    ]


def set_tunable(
    name: str, value: object, who: str = "terminal", settings: Settings | None = None
) -> Value:
    """Change a tunable; services follow at their next interval. Returns the value kept.

    Raises:
        TunableError: there is no such tunable, or the value does not fit; nothing is changed.
        StoreError: the store cannot be reached.
    """
    known = given(settings)
    with audited(known, who, "set tunable", {"name": name, "value": value}):
        checked = check(name, value)
        with storing(known) as store:
            write_tunable(store, name, checked, who)
    return checked


def parse_value(name: str, text: str) -> Value:
    """The value that a person typed for the tunable `name`.

    Raises:
        TunableError: as `set_tunable`.
    """
    tunable = TUNABLES.get(name)
    if tunable is None or tunable.choices:
        return check(name, text)
    if isinstance(tunable.default, bool):
        words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        return check(name, words.get(text.lower(), text))
    try:
        number = float(text)
    except ValueError:
        return check(name, text)
    return check(name, int(number) if number.is_integer() else number)
