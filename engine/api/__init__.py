"""The HTTP face of the engine: state, tunables, jobs, queue, logs, decisions.

`uvicorn engine.api:app` attaches to a running engine and never supervises one;
`python -m engine.api` is the service that the supervisor starts.
"""

from __future__ import annotations

from engine.api.application import create_app

app = create_app()
