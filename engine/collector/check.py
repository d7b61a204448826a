"""Whether the source in the settings can be followed at all, asked before anything starts."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from engine.collector.columns import discover
from engine.collector.opening import open_source
from engine.errors import SourceAway, SourceError
from engine.settings import Settings
from engine.sources import parse_mapping


def check_source(settings: Settings) -> None:
    """Refuse a mapping or table that can never be read.

    A database that is away just now is no reason to refuse: the collector waits for it.

    Raises:
        SettingsError: SOURCE_URL names no database we know.
        SourceError: the mapping cannot be read, or does not fit the table; there are two sources,
            or the log can be none.
    """
    mapping = parse_mapping(settings.source_mapping)
    _check_log(settings)
    if not settings.source_url:
        return
    source = open_source(settings.source_url)
    try:
        discover(source, settings.source_table, mapping)
    except (SourceAway, SQLAlchemyError):
        return
    finally:
        source.dispose()


def _check_log(settings: Settings) -> None:
    if not settings.source_log:
        return
    if settings.source_url or settings.sample:
        other = "SOURCE_URL" if settings.source_url else "CACHESCOPE_SAMPLE=true"
        raise SourceError(
            f"SOURCE_LOG and {other} are both set, but an engine has one source; unset one."
        )
    if Path(settings.source_log).expanduser().is_dir():
        raise SourceError(f"SOURCE_LOG is the folder {settings.source_log}; name the log in it.")
