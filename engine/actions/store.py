"""The store as actions see it: opened once a process, its errors as sentences, every act noted."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from db.faults import StoreUnavailable, explain
from db.session import open_store
from db.writes import add_audit
from engine.actions.roles import actor, require_operator
from engine.actions.secrets_out import without_secrets
from engine.errors import EngineError, NotAllowed, StoreError
from engine.settings import Settings, load_settings

log = logging.getLogger(__name__)


def given(settings: Settings | None) -> Settings:
    """The settings to act on: those given, else those of the environment."""
    return _loaded() if settings is None else settings


@cache
def _loaded() -> Settings:
    return load_settings()


@cache
def _opened(url: URL) -> Engine:
    return open_store(url)


@contextlib.contextmanager
def storing(settings: Settings) -> Iterator[Engine]:
    """The store of these settings.

    Raises:
        StoreError: instead of any database error; one sentence says what to do.
    """
    try:
        yield _opened(settings.database_url)
    except StoreUnavailable as error:
        raise StoreError(str(error)) from None
    except SQLAlchemyError as error:
        raise StoreError(explain(error, settings.database_url)) from None


@contextlib.contextmanager
def audited(
    settings: Settings,
    who: str,
    action: str,
    params: Mapping[str, Any],
    *,
    failures: bool = True,
) -> Iterator[None]:
    """Note who did what and what came of it; a store that is down hinders no action.

    Without `failures` only what was done, or refused to a viewer, is noted: a start that fails may
    have no store to note it in.

    Raises:
        NotAllowed: who acts is a viewer; noted as well.
    """
    try:
        require_operator(action)
        yield
    except EngineError as error:
        if failures or isinstance(error, NotAllowed):
            _note(settings, who, action, params, f"refused: {error}")
        raise
    except Exception as error:
        if failures:
            _note(settings, who, action, params, f"failed: {type(error).__name__}")
        raise
    _note(settings, who, action, params, "done")


def _note(
    settings: Settings, who: str, action: str, params: Mapping[str, Any], result: str
) -> None:
    try:
        with storing(settings) as store:
            known = actor().name or who
            add_audit(store, known, action, without_secrets(params), without_secrets(result))
    except StoreError as error:
        log.warning("%s by %s could not be noted: %s", action, who, error)
