"""Starting and ending an engine: in the foreground, detached, or owned by a dashboard."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from db.migrations import migrate
from engine.actions.store import audited, given, storing
from engine.broker.place import arguments_of, place_of
from engine.collector.check import check_source
from engine.control import call, is_running, socket_path
from engine.errors import ControlError, SettingsError
from engine.leases import engine_id
from engine.services import SERVICES, Service, chosen
from engine.settings import ROOT, Settings
from engine.supervision import folder
from engine.supervision.output import cannot_log
from engine.supervision.plan import Plan, Port

START_S = 60.0
"""How long a start may take, a migration of the store included."""
DOWN_S = 20.0

ANOTHER_RUNS = 3
"""Exit code of `engine up` when another engine holds the data folder."""

ATTACH_ONLY = (
    "No engine runs on this data folder, and CACHESCOPE_ATTACH_ONLY keeps this dashboard from "
    "starting one; start the engine (in containers: `docker compose up -d engine`)."
)

START, STOP = "start the engine", "stop the engine"
"""What the audit calls it."""

_starting = threading.Lock()
_owned: dict[str, int] = {}
"""The write ends of the pipes of engines that live as long as this process."""


def plan_for(settings: Settings, owner: str, jobs: Sequence[tuple[str, str]] = ()) -> Plan:
    """What the supervisor of these settings has to run; `jobs`: ids and kinds to go on with."""
    services = chosen(SERVICES, settings.sample_started, bool(settings.source_log))
    return Plan(
        data_path=settings.data_path,
        log_path=settings.log_path,
        run_path=settings.run_path,
        owner=owner,
        services=tuple(_told(service, settings) for service in services),
        ports={
            "api": Port(settings.api_host, settings.api_port, "CACHESCOPE_API_PORT"),
            "origin": Port("127.0.0.1", settings.origin_port, "CACHESCOPE_ORIGIN_PORT"),
        },
        jobs=tuple(jobs),
    )


def _told(service: Service, settings: Settings) -> Service:
    """The queue server is told its place: reading the settings would be most of its start."""
    if service.name != "queue":
        return service
    try:
        words = arguments_of(place_of(settings))
    except SettingsError:
        return service  # it reads them itself, and its log then says what is wrong with them
    return replace(service, arguments=(*service.arguments, *words))


def prepare_store(settings: Settings) -> str:
    """Bring the store up to date and mark what a killed engine left; returns the revision.

    Raises:
        StoreError: the store cannot be reached, or a newer Cachescope has written it.
    """
    from engine.jobs import mark_interrupted

    with storing(settings) as store:
        revision = migrate(store)
        mark_interrupted(store, engine_id(settings))
        store.dispose()
    return revision


def interrupted_jobs(settings: Settings) -> list[tuple[str, str]]:
    """Let the jobs that can go on wait for the engine that starts; returns ids and kinds.

    Raises:
        StoreError: the store cannot be reached.
    """
    from engine.jobs import queue_again

    with storing(settings) as store:
        found = queue_again(store, engine_id(settings))
        store.dispose()
    return found


def up(
    settings: Settings,
    owner: str = "terminal",
    owner_fd: int | None = None,
    who: str = "terminal",
) -> NoReturn:
    """Turn this process into the supervisor; empty `who`: whoever launched it notes that.

    Raises:
        EngineRuns: another engine runs on this data folder.
        ControlError: the data folder cannot be written.
        SourceError: the own source can never be read as it is set.
        StoreError: the store cannot be reached or brought up to date.
    """
    with audited(settings, who, START, {}, failures=False) if who else contextlib.nullcontext():
        held = folder.lock(settings.data_path)
        try:
            folder.private_folder(settings.run_path)
            check_source(settings)
            prepare_store(settings)
            jobs = interrupted_jobs(settings)
        except BaseException:
            os.close(held)
            raise
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe:
        pipe.write(plan_for(settings, owner, jobs).to_json())
    arguments = ["--plan-fd", str(read), "--lock-fd", str(held)]
    if owner_fd is not None:
        arguments += ["--owner-fd", str(owner_fd)]
    for descriptor in (read, held, owner_fd):
        if descriptor is not None:
            os.set_inheritable(descriptor, True)
    os.chdir(ROOT)
    sys.stdout.flush()
    # The supervisor must not carry the database and settings libraries for the rest of its life.
    os.execv(sys.executable, [sys.executable, "-m", "engine.supervisor", *arguments])  # noqa: S606


def up_detached(who: str = "terminal", settings: Settings | None = None) -> dict[str, Any]:
    """Start an engine that outlives this process, unless one runs; returns the status.

    Raises:
        ControlError: it did not start; the sentence says why.
    """
    known = given(settings)
    with audited(known, who, START, {}, failures=False):
        return _started(known, "terminal", None)


def ensure_engine(
    owner: str = "dashboard", who: str = "dashboard", settings: Settings | None = None
) -> dict[str, Any]:
    """Attach to the running engine, or start one that ends with this process; returns the status.

    Safe to call again, from several threads and from several dashboards at once: the lock on the
    data folder decides whose engine it is, the others attach.

    Raises:
        NotAllowed: no engine runs, and who acts is a viewer.
        ControlError: no engine runs and none could be started; the sentence says why.
    """
    known = given(settings)
    with _starting:
        if known.engine_url or is_running(known):  # another machine's says why it does not answer
            status: dict[str, Any] = call(known, "status")
            return status
        _release(known)
        if known.attach_only:
            raise ControlError(ATTACH_ONLY)
        with audited(known, who, START, {}, failures=False):
            return _owned_engine(known, owner)


def _owned_engine(settings: Settings, owner: str) -> dict[str, Any]:
    read, write = os.pipe()
    # Kept also if another dashboard was faster: a pipe that nobody reads does no harm.
    _owned[str(settings.data_path)] = write
    try:
        return _started(settings, owner, read)
    except ControlError:
        _release(settings)
        raise
    finally:
        os.close(read)


def release_engine(settings: Settings | None = None) -> None:
    """End the engine that this process started with `ensure_engine`; another's is left alone."""
    _release(given(settings))


def down(who: str = "terminal", settings: Settings | None = None) -> None:
    """Stop the engine with all its services and wait until it has ended.

    Raises:
        ControlError: no engine runs, or it did not end in time.
    """
    known = given(settings)
    if known.engine_url:
        raise ControlError(f"The engine runs behind {known.engine_url}; stop it on its machine.")
    with audited(known, who, STOP, {}):
        call(known, "down")
    deadline = time.monotonic() + DOWN_S
    while socket_path(known).exists():
        if time.monotonic() > deadline:
            raise ControlError(
                f"The engine did not end within {DOWN_S:g} s; look at logs/engine.log."
            )
        time.sleep(0.05)
    _release(known)


def _release(settings: Settings) -> None:
    write = _owned.pop(str(settings.data_path), None)
    if write is not None:
        with contextlib.suppress(OSError):
            os.close(write)


def _launch(settings: Settings, owner: str, owner_fd: int | None) -> subprocess.Popen[bytes]:
    arguments = ["--owner", owner]
    if owner_fd is not None:
        arguments += ["--owner-fd", str(owner_fd)]
    try:
        settings.log_path.mkdir(parents=True, exist_ok=True)
        errors = _start_log(settings).open("wb")
    except OSError as error:
        raise cannot_log(settings.log_path, error) from None
    with errors:
        return subprocess.Popen(
            [sys.executable, "-m", "engine", "up", *arguments],
            cwd=ROOT,
            env={**os.environ, **_as_environment(settings)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=() if owner_fd is None else (owner_fd,),
            start_new_session=True,
        )


def _as_environment(settings: Settings) -> dict[str, str]:
    """The settings that tell one engine from another, in case ours were given in code."""
    return {
        "CACHESCOPE_DATA_DIR": str(settings.data_path),
        "CACHESCOPE_LOG_DIR": str(settings.log_path),
    }


def _started(settings: Settings, owner: str, owner_fd: int | None) -> dict[str, Any]:
    """Launch an engine and wait until one answers: ours, or another that was faster."""
    deadline = time.monotonic() + START_S
    process = None
    while time.monotonic() < deadline:
        with contextlib.suppress(ControlError):
            status: dict[str, Any] = call(settings, "status", timeout_s=2.0)
            return status
        if process is None:
            process = _launch(settings, owner, owner_fd)
        code = process.poll()
        if code == ANOTHER_RUNS:
            process = None  # it may be starting or stopping: look again, then try again
            time.sleep(0.3)
        elif code is not None:
            raise ControlError(_last_line(_start_log(settings)) or "The engine did not start.")
        time.sleep(0.05)
    raise ControlError(f"The engine did not answer within {START_S:g} s; look at logs/engine.log.")


def _start_log(settings: Settings) -> Path:
    return settings.log_path / "engine-start.log"


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").split("\n") if path.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
