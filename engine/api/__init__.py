"""The HTTP face of the engine: state, tunables, jobs, queue, logs, decisions.

`uvicorn engine.api:app` attaches to a running engine and never supervises one;
`python -m engine.api` is the service that the supervisor starts.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as modules do
    """`app` when it is asked for, so that wrong settings are the service's to tell."""
    if name != "app":
        raise AttributeError(name)
    from engine.api.application import create_app

    return create_app()
