"""A PostgreSQL connection that does not wait for ever on a server that hangs.

TCP's own probes do not help: the kernel of a server whose process was stopped goes on answering.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Generator
from typing import Any

import psycopg


class _Patient(psycopg.Connection[Any]):
    """A connection that breaks when the server is silent for `silence_s` within a statement."""

    silence_s = 0.0

    def wait(self, gen: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - psycopg's
        """Wait for the server as psycopg does, but no longer than it may be silent."""
        return super().wait(self._listen(gen), *arguments, **named)

    def _listen(self, gen: Any) -> Generator[Any, Any, Any]:  # noqa: ANN401 - psycopg's
        try:
            wish = next(gen)
            heard = time.monotonic()
            while True:
                ready = yield wish
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.silence_s:
                    self.close()
                    raise psycopg.OperationalError(
                        f"timeout: the server said nothing for {self.silence_s:g} s"
                    )
                wish = gen.send(ready)
        except StopIteration as end:
            return end.value


@functools.cache
def _kind(silence_s: float) -> type[_Patient]:
    return type("PatientConnection", (_Patient,), {"silence_s": silence_s})


def connect(silence_s: float, *arguments: Any, **named: Any) -> psycopg.Connection[Any]:  # noqa: ANN401
    """`psycopg.connect` whose statements end with an error after `silence_s` of silence."""
    return _kind(silence_s).connect(*arguments, **named)
