"""A TCP proxy that can be cut or frozen: what a client of a database server sees of an outage."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import cast


class Proxy:
    """Forwards a loopback port to `target`; `cut()` drops and refuses, `mend()` serves again."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener: socket.socket | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        self.port = 0
        self.mend()

    def mend(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            if self._listener is not None:
                with contextlib.suppress(OSError):
                    self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
                self._listener = None
            for pair in self._pairs:
                _end(pair)
            self._pairs.clear()

    def freeze(self) -> None:
        """Pass nothing on any more, while every connection stays open: a server that hangs."""
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            with self._lock:
                if self._listener is not listener:
                    _end((client, server))
                    return
                self._pairs.append((client, server))
            threading.Thread(target=_pump, args=(client, server, self._flows), daemon=True).start()


def _pump(client: socket.socket, server: socket.socket, flows: threading.Event) -> None:
    other = {client: server, server: client}
    with selectors.DefaultSelector() as ready, contextlib.suppress(OSError, ValueError):
        for end in other:
            ready.register(end, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                end = cast("socket.socket", key.fileobj)
                data = end.recv(65536)
                flows.wait()
                if not data:
                    return _end((client, server))
                other[end].sendall(data)
    return _end((client, server))


def _end(pair: tuple[socket.socket, socket.socket]) -> None:
    for end in pair:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
