"""Examples run as a reader would: on a data folder of their own, with real servers beside them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import Engine

from db.migrations import migrate
from db.session import open_store
from engine.api.application import create_app
from engine.settings import Settings, load_settings
from tests.engine.stubs.running import until


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of an own system on an empty folder, also for what is started from here."""
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CACHESCOPE_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("CACHESCOPE_SAMPLE", "false")
    (tmp_path / "data").mkdir()
    return load_settings()


@pytest.fixture
def own_store(own: Settings) -> Iterator[Engine]:
    """The store that an engine of these settings would have made."""
    store = open_store(own.database_url)
    migrate(store)
    yield store
    store.dispose()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Ports that are free now."""

    def port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return port


@contextlib.contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The real API of these settings on a port of its own; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(settings), log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(5)


@pytest.fixture
def api(own: Settings, own_store: Engine) -> Iterator[str]:
    """The real API over the own store; its address."""
    with served(own) as url:
        yield url
