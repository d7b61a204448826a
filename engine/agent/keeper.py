"""The agent in use and its checkpoint: built, restored, changed for another, and saved."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Engine

from db import tables, writes
from db.queries import decisions
from db.rows import Target
from engine.agent import AGENTS
from engine.agent.base import Agent, Models
from engine.errors import CheckpointError
from engine.registry import resolve
from engine.tunables import Tuned

_log = logging.getLogger(__name__)


class Keeper:
    """Owns the one agent of a source. What is damaged is told, left out, and overwritten later."""

    def __init__(self, store: Engine, source: int, models: Models) -> None:
        self._store = store
        self._source = source
        self._models = models
        self._agent: Agent | None = None
        self._saved = ""

    def agent(self, tuned: Tuned, now: float) -> Agent:
        """The agent that the tunables ask for, tuned; another one is saved before it goes.

        Raises:
            SQLAlchemyError: the store is away; nothing has changed.
        """
        wanted = tuned.text("agent.agent")
        if self._agent is None or self._agent.name != wanted:
            if self._agent is not None:
                self.save(self._store, now)
            self._agent = self._restored(wanted, tuned)
        self._agent.tune(tuned)
        return self._agent

    def save(self, target: Target, now: float) -> None:
        """Write the checkpoint, also within an open transaction; nothing if nothing is new."""
        if self._agent is None:
            return
        state = self._agent.save()
        if state == self._saved:
            return
        row: dict[str, Any] = {
            "source": self._source,
            "agent": self._agent.name,
            "at": now,
            "steps": self._agent.steps,
            "exploration": self._agent.exploration,
            "state": state,
        }
        writes.upsert(target, tables.agent_checkpoints, [row])
        if target is self._store:
            self._saved = state

    def _restored(self, name: str, tuned: Tuned) -> Agent:
        row = decisions.checkpoint(self._store, self._source, name)
        agent: Agent = resolve(AGENTS, name, "agent")()
        agent.attach(self._models)
        agent.tune(tuned)
        if row is None:
            return agent
        try:
            agent.restore(str(row["state"]))
        except CheckpointError as error:
            _log.warning("%s", error)
        else:
            _log.info("The agent %s goes on after %d steps.", name, agent.steps)
        return agent
