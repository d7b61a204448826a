"""The sample origin as a service: `python -m mock.origin [--port N]`.

An energy-data API with the live cache in front of its queries. It obeys published decisions,
records every request, and goes on answering from the cache while the database is away.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import uvicorn
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.faults import StoreUnavailable, explain
from db.migrations import migrate
from db.queries.system import tunables
from db.session import open_store
from db.writes import BatchWriter, ensure_source
from engine.addresses import is_loopback
from engine.cache.live import LiveCache
from engine.cache.rulings import Rulings
from engine.clock import SystemClock
from engine.errors import EngineError, SettingsError, StoreError
from engine.lifeline import Lifeline
from engine.logs import configure
from engine.records import Costs
from engine.settings import Settings, load_settings
from engine.sources import SAMPLE
from engine.tunables import Tuned
from mock.address import forget_origin, publish_origin
from mock.energy.world import Changes, Versions, fill
from mock.pace import Pace
from mock.recorder import Recorder
from mock.serving import CachedApi
from mock.web import make_app

log = logging.getLogger("mock.origin")

HOST = "127.0.0.1"
ANYWHERE = "0.0.0.0"  # noqa: S104 - only where an address on a network is set
DEFAULT_TTL_S = 60.0
"""Time to live when no decision is in force."""

TURN_S = 0.2


class Origin:
    """The parts of one running origin; `prepare` fills the data, `turn` is the work loop's body."""

    def __init__(self, settings: Settings, store: Engine, lifeline: Lifeline) -> None:
        self._settings = settings
        self._store = store
        self._lifeline = lifeline
        self._versions = Versions()
        self._cache = LiveCache(settings.cache_capacity_bytes, DEFAULT_TTL_S, SystemClock())
        self.pace: Pace | None = None
        """What the newest look at the tunables said about the sample's traffic; None before it."""
        self._trouble = "The sample origin is still preparing its data."
        self._api: CachedApi | None = None
        self._background = ThreadPoolExecutor(1, thread_name_prefix="background")
        self._next_poll = 0.0
        self._polling: asyncio.Future[None] | None = None

    def api(self) -> CachedApi:
        """The API; raises StoreError with the reason while there is no data."""
        if self._api is None:
            raise StoreError(self._trouble)
        return self._api

    def prepare(self) -> None:
        """Create what is missing and start recording; on a database error note why and return."""
        try:
            begun = time.perf_counter()
            migrate(self._store)
            added = fill(self._store, time.time())
            source = ensure_source(self._store, SAMPLE, "sample", Costs.MEASURED.value)
        except (SQLAlchemyError, StoreUnavailable) as error:
            self._note_trouble(error)
            return
        log.info("%d rows of energy data added in %.1f s", added, time.perf_counter() - begun)
        self._writer = BatchWriter(self._store)
        self._recorder = Recorder(self._writer, source)
        self._rulings = Rulings(self._store, self._cache, source)
        self._changes = Changes(self._store, self._versions, self._settings.sample_day_s)
        self._api = CachedApi(
            self._store, self._cache, self._versions, self._recorder, self._rulings
        )

    async def turn(self) -> None:
        """One turn of the work loop: beat, obey decisions, refresh, record, change the data."""
        loop = asyncio.get_running_loop()
        due = time.monotonic() >= self._next_poll
        if due:
            self._next_poll = time.monotonic() + 1.0
        if self._api is None:
            if due:
                await loop.run_in_executor(self._background, self.prepare)
            self._lifeline.beat()
            return
        # One at a time: while the database hangs, a poll a second would wait in line behind it.
        if due and (self._polling is None or self._polling.done()):
            self._polling = loop.run_in_executor(self._background, self._poll)
        self._rulings.apply()
        self._api.refresh_due()
        if self._recorder.second_is_over:
            self._recorder.occupancy(self._cache.occupancy())
        self._lifeline.beat(self._recorder.recorded)

    def _poll(self) -> None:
        try:
            self._rulings.poll()
            self._changes.step()
            tuned = Tuned(tunables(self._store))
        except (SQLAlchemyError, StoreUnavailable) as error:
            self._note_trouble(error)
            return
        self.pace = Pace(tuned.number("traffic.rate"), tuned.text("traffic.workload"))
        trouble = self._writer.stats.last_error
        if trouble is None:
            self._lifeline.recovered()
        else:
            self._lifeline.degraded(trouble)

    def _note_trouble(self, error: Exception) -> None:
        self._trouble = explain(error, self._store.url)
        self._lifeline.degraded(self._trouble)

    def close(self) -> None:
        """Commit what was recorded; what cannot be written in 1.2 s is counted as lost."""
        self._background.shutdown(wait=False, cancel_futures=True)
        if self._api is not None:
            self._api.close()
            self._writer.close(1.2)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the lifeline."""
        yield


def listen(port: int, host: str = HOST) -> socket.socket:
    """A listening socket; port 0 takes any.

    Raises:
        SettingsError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"Port {port} on {host} cannot be used ({error.strerror}); "
            "set CACHESCOPE_ORIGIN_PORT to a free one, or to 0 for any."
        ) from None
    listener.listen(256)
    return listener


async def serve(
    origin: Origin, listener: socket.socket, lifeline: Lifeline, names: Sequence[str] = ()
) -> None:
    """Serve under loopback's names and these until told to stop."""
    config = uvicorn.Config(
        make_app(origin.api, lambda: origin.pace, names),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    lifeline.ready()
    while not lifeline.stopping.is_set() and not serving.done():
        await origin.turn()
        await asyncio.sleep(TURN_S)
    server.should_exit = True
    await serving


def run(port: int | None) -> None:
    """Prepare, serve, and flush at the end."""
    settings = load_settings()
    configure(settings.log_level)
    lifeline = Lifeline()
    store = open_store(settings.database_url)
    # On its own, with an address that others know it by, it must listen where they are.
    name = urlsplit(settings.sample_address).hostname or HOST
    host = HOST if is_loopback(name) else ANYWHERE
    listener = listen(settings.origin_port if port is None else port, host)
    origin = Origin(settings, store, lifeline)
    origin.prepare()
    address = settings.sample_address or f"http://{HOST}:{listener.getsockname()[1]}"
    publish_origin(settings, address)
    log.info("the sample origin listens on %s", address)
    try:
        asyncio.run(serve(origin, listener, lifeline, (name,)))
    finally:
        forget_origin(settings, address)
        origin.close()


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; 2 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m mock.origin", description=__doc__)
    parser.add_argument("--port", type=int, help="port on the loopback (default: the setting)")
    given = parser.parse_args(arguments)
    try:
        run(given.port)
    except (EngineError, StoreUnavailable) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the supervisor shows it as the reason
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
