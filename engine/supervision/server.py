"""The control socket: one JSON line a request, one a reply, served from the supervisor's loop."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import EngineError

MAX_REQUEST = 65_536

Handler = Callable[[str, dict[str, Any]], dict[str, Any]]


class Connection:
    """One client that is being served."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.asked = b""
        self.answer = b""


class ControlServer:
    """Listens in the private run folder; no call blocks."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, handle: Handler) -> None:
        self._path = path
        self._selector = selector
        self._handle = handle
        # The lock on the data folder is ours, so whatever socket lies here is dead.
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(64)
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._open: set[Connection] = set()

    def close(self) -> None:
        """Stop listening and drop every client."""
        for connection in list(self._open):
            self._drop(connection)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self, _mask: int) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            client.setblocking(False)
            connection = Connection(client)
            self._open.add(connection)
            self._selector.register(
                client, selectors.EVENT_READ, lambda mask: self._serve(connection, mask)
            )

    def _serve(self, connection: Connection, mask: int) -> None:
        try:
            if mask & selectors.EVENT_READ:
                self._read(connection)
            if connection.answer:
                sent = connection.client.send(connection.answer)
                connection.answer = connection.answer[sent:]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(connection)
            return
        if connection in self._open:
            wish = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.answer else 0)
            self._selector.modify(
                connection.client, wish, lambda mask: self._serve(connection, mask)
            )

    def _read(self, connection: Connection) -> None:
        chunk = connection.client.recv(MAX_REQUEST)
        connection.asked += chunk
        if not chunk or len(connection.asked) > MAX_REQUEST:
            self._drop(connection)
            return
        *requests, connection.asked = connection.asked.split(b"\n")
        for request in requests:
            connection.answer += json.dumps(self._reply(request), default=str).encode() + b"\n"

    def _reply(self, request: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(request)
            verb = asked.pop("verb")
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            return {"ok": False, "error": "A request is one JSON object a line with a verb."}
        try:
            return {"ok": True, **self._handle(str(verb), asked)}
        except EngineError as error:
            return {"ok": False, "error": str(error)}
        except Exception as error:  # noqa: BLE001 - no request may end the engine
            return {"ok": False, "error": f"The engine cannot do that ({error!r})."}

    def _drop(self, connection: Connection) -> None:
        self._open.discard(connection)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection.client)
        connection.client.close()
