"""The queue server: a `BaseManager` process with its own fast, guarded connection loop.

Run by the supervisor as `python -m engine.broker.server`; light to import, because its start is
part of every recovery. It does nothing but queues: one busy thread would cost every call the
interpreter's switch interval.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import gc
import logging
import os
import select
import socket
import sys
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from multiprocessing.managers import BaseManager, Server
from pathlib import Path
from typing import IO, Any

from engine.broker import wire
from engine.broker.caller import DELIVERED, Caller
from engine.broker.place import Address, Place, clear_stale, make_private, place_from, read_key
from engine.broker.verbs import VERBS, Queues
from engine.errors import EngineError, SettingsError
from engine.lifeline import Lifeline
from engine.logs import configure

log = logging.getLogger("engine.broker.server")

BACKLOG = 512
MAX_CONNECTIONS = 2_000
HANDSHAKE_S = 5.0
"""How long a peer may stay silent before it has proved that it knows the key."""

REPLY_S = 5.0
"""How long a client may refuse to read its reply."""

TURN_S = 0.25
FULL_PAUSE_S = 0.05
WARN_EVERY_S = 5.0
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class QueueServer(Server):
    """Serves the frames of a stock manager client, without ever unpickling more than builtins.

    The id of a served object is its queue's name, so that it stays valid over a restart.
    """

    queues: Queues
    listener: Any
    authkey: bytes

    def __init__(
        self,
        registry: dict[str, Any],
        address: Address,
        authkey: bytes,
        serializer: str,
    ) -> None:
        super().__init__(registry, address, authkey, serializer)
        self.socket: socket.socket = self.listener._listener._socket
        self.socket.listen(BACKLOG)
        self._places = threading.Semaphore(MAX_CONNECTIONS)
        self._warned = -WARN_EVERY_S

    def serve_until(self, lifeline: Lifeline) -> None:
        """Accept and tidy up until told to stop; the heartbeat comes from this very loop."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        due = 0.0
        while not lifeline.stopping.is_set():
            if poll.poll(TURN_S * 1000):
                self._accept()
            if time.monotonic() >= due:
                due = time.monotonic() + TURN_S
                if self.queues.turn():
                    lifeline.beat(self.queues.handed_out)

    def _accept(self) -> None:
        try:
            peer, _ = self.socket.accept()
        except OSError as error:
            if error.errno in _FULL:
                self._pause(error)
            return
        if not self._places.acquire(blocking=False):
            peer.close()
            return
        wire.tune(peer)
        wire.set_timeouts(peer, HANDSHAKE_S, REPLY_S)
        threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _pause(self, error: OSError) -> None:
        """Let a connection wait that there is no room for; trying at once would never sleep."""
        now = time.monotonic()
        if now - self._warned >= WARN_EVERY_S:
            self._warned = now
            log.warning(
                "The queue cannot take one more connection (%s); close clients, or allow more "
                "open files (ulimit -n).",
                error.strerror,
            )
        time.sleep(FULL_PAUSE_S)

    def _serve(self, peer: socket.socket) -> None:
        caller = Caller(peer)
        try:
            self._prove(peer)
            wire.set_timeouts(peer, 0, REPLY_S)
            handle = peer.fileno()
            while True:
                request, caller.pickled = wire.receive_either(handle)
                reply = self._answer(caller, request)
                if reply[1] is not DELIVERED:
                    frame = wire.frame(reply, caller.pickled)
                    written = os.write(handle, frame)
                    if written < len(frame):
                        wire.finish(handle, frame[written:])
        except (AuthenticationError, wire.WireError) as error:
            log.warning("Closed a connection to the queue: %s.", str(error).rstrip("."))
        except (EOFError, OSError):
            pass  # clients come and go
        finally:
            self.queues.leave(caller)
            caller.close()
            self._places.release()

    def _prove(self, peer: socket.socket) -> None:
        connection = Connection(os.dup(peer.fileno()))
        try:
            deliver_challenge(connection, self.authkey)
            answer_challenge(connection, self.authkey)
        finally:
            connection.close()

    def _answer(self, caller: Caller, request: Any) -> tuple[str, Any]:  # noqa: ANN401
        try:
            name, verb, args, _ = request
            if name is None:
                return "#RETURN", self._manage(verb, args)
            return "#RETURN", VERBS[verb](self.queues, name, caller, *args)
        except EngineError as error:
            return "#TRACEBACK", f"{type(error).__name__}: {error}"
        except (KeyError, TypeError, ValueError):
            return "#TRACEBACK", "MessageRejected: The queue server does not know this call."

    def _manage(self, verb: str, args: tuple[Any, ...]) -> Any:  # noqa: ANN401
        """The few calls that a stock client makes on the manager itself."""
        if verb == "create":
            self.queues.open(args[1])
            return args[1], tuple(VERBS)
        if verb == "get_methods":
            return tuple(VERBS)
        if verb in ("accept_connection", "incref", "decref", "dummy"):
            return None
        raise KeyError(verb)


class QueueManager(BaseManager):
    """The manager under which queues are registered; clients may also use it stock."""

    _Server = QueueServer
    _registry: dict[str, Any]
    _address: Address
    _authkey: bytes
    _serializer: str

    def get_server(self) -> QueueServer:
        """The server object; the stock method names the stock class."""
        return QueueServer(
            self._registry,
            self._address,
            self._authkey,
            self._serializer,
        )


QueueManager.register("queue", exposed=tuple(VERBS))


def serve(place: Place, lifeline: Lifeline) -> None:
    """Serve `place` until `lifeline` says stop.

    Raises:
        SettingsError: another server is there, or files are not as they should be.
    """
    make_private(place.journal)
    lock = _lock(place.journal / "lock")
    key = read_key(place.key_file)
    if isinstance(place.address, str):
        make_private(Path(place.address).parent)
        clear_stale(Path(place.address))
    queues = Queues(place.journal)
    try:
        server = QueueManager(place.address, key).get_server()
    except OSError as error:
        raise SettingsError(
            f"The queue cannot listen on {place.address}: {error.strerror or error}."
        ) from None
    server.queues = queues
    log.info("Serving queues on %s.", place.address)
    # Nothing here makes cycles by the call; a full collection would only cost delay.
    gc.freeze()
    gc.set_threshold(50_000)
    lifeline.ready()
    try:
        server.serve_until(lifeline)
    finally:
        server.listener.close()
        queues.close()
        lock.close()


def _lock(path: Path) -> IO[str]:
    handle = path.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise SettingsError(
            f"Another queue server already uses the journals in {path.parent}; stop it first."
        ) from None
    return handle


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped; 2 with one sentence when it cannot start."""
    parser = argparse.ArgumentParser(prog="engine.broker.server", description=__doc__)
    for name in ("address", "journal", "key"):
        parser.add_argument(f"--{name}", default="")
    options = vars(parser.parse_args(arguments))
    configure()
    lifeline = Lifeline()
    try:
        serve(place_from(**options), lifeline)
    except EngineError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the one sentence of a service that cannot start
        return 2
    except OSError as error:
        print(f"The queue server cannot start: {error}.", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
