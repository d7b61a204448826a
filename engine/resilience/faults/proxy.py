"""A loopback proxy in front of the queue: cuts, resets, delays, narrows and fragments."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

from engine.broker.place import Address

_RESET = struct.pack("ii", 1, 0)
CHUNK = 65_536
LOOK_S = 0.1


class Proxy:
    """Forwards a loopback port to `target`; its attributes may be changed while bytes flow.

    Args:
        target: the Unix socket or TCP address behind it.
    """

    def __init__(self, target: Address) -> None:
        self.delay_s = 0.0
        """Added to every piece, each way."""
        self.piece = CHUNK
        """Largest piece sent at once, bytes."""
        self.bytes_per_s = 0.0
        """Bandwidth each way; 0 is unlimited."""
        self.flows = threading.Event()
        """Unset: bytes stop, while every connection stays open."""
        self.flows.set()
        self.carried = 0
        self._target = target
        self._refusing = False
        self._open = True
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def calm(self) -> None:
        """Forward as if nothing was between."""
        self.delay_s, self.piece, self.bytes_per_s = 0.0, CHUNK, 0.0
        self._refusing = False
        self.flows.set()

    def reset(self, *, refuse: bool) -> int:
        """Break every connection with RST; returns how many. `refuse`: new ones break as well."""
        self._refusing = refuse
        with self._lock:
            ends = list(self._ends)
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)
        return len(ends) // 2

    def close(self) -> None:
        """End it with all its connections."""
        self._open = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.calm()
        self.reset(refuse=True)

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = None if self._refusing else self._reach()
            if server is None:
                with contextlib.suppress(OSError):
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                client.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._ends |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _reach(self) -> socket.socket | None:
        family = socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET
        server = socket.socket(family)
        try:
            server.connect(self._target)
        except OSError:
            server.close()
            return None
        return server

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                for start in range(0, len(data), self.piece):
                    self._send(sink, data[start : start + self.piece])
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            both_ended = source not in self._ends
            self._ends -= {source, sink}
        if both_ended:
            source.close()
            sink.close()

    def _send(self, sink: socket.socket, piece: bytes) -> None:
        while not self.flows.wait(LOOK_S) and self._open:
            continue
        narrow = len(piece) / self.bytes_per_s if self.bytes_per_s else 0.0
        if self.delay_s + narrow > 0:
            time.sleep(self.delay_s + narrow)
        sink.sendall(piece)
        self.carried += len(piece)
