"""The application: guarded routes, documented, every error a problem document."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from msgspec import structs

from engine.api.batches import router as batches
from engine.api.documented import RESPONSES, Documented
from engine.api.following import router as following
from engine.api.guard import Guard
from engine.api.learning import router as learning
from engine.api.problems import install
from engine.api.queries import only_known
from engine.api.resilience import router as resilience
from engine.api.routes import router as live
from engine.api.sample import router as sample
from engine.api.studies import router as studies
from engine.api.uploads import router as uploads
from engine.settings import Settings, load_settings

ROUTERS = (live, following, batches, uploads, sample, learning, studies, resilience)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application over the engine of these settings (default: the environment's)."""
    # An API speaks to the engine beside it, wherever dashboards find theirs.
    known = structs.replace(settings or load_settings(), engine_url="")
    app = Documented(
        title="Cachescope",
        version="0.1.0",
        docs_url="/docs",
        redoc_url=None,
        responses=RESPONSES,
        dependencies=[Depends(only_known)],
    )
    app.state.settings = known
    for part in ROUTERS:
        app.include_router(part)
    app.add_middleware(Guard, settings=known)
    install(app)
    return app
