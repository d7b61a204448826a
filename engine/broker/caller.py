"""One client's connection on the server: whose it is, and how answers reach it."""

from __future__ import annotations

import contextlib
import select
import socket
from typing import TYPE_CHECKING

from engine.broker import wire

if TYPE_CHECKING:
    from engine.broker.ring import Answer, Ring
    from engine.broker.waiter import Waiter


class Delivered:
    """What a call returns whose answer another thread has written."""


DELIVERED = Delivered()


class Caller:
    """A connection; its own thread serves it, others may deliver to it while it waits."""

    def __init__(self, peer: socket.socket) -> None:
        self._socket = peer
        self.client = ""
        self.generation = ""
        self.pickled = False
        """Whether the peer speaks pickle, as a stock manager client does."""
        self.used: set[str] = set()
        """Names of queues that may have leased records to it."""
        self._poll: select.poll | None = None
        self._kick: tuple[socket.socket, socket.socket] | None = None
        self._rest = b""

    def deliver(self, answer: object) -> None:
        """Write an answer as far as it fits now; the connection's thread writes the rest."""
        frame = wire.frame(("#RETURN", answer), self.pickled)
        try:
            written = self._socket.send(frame, socket.MSG_DONTWAIT)
        except BlockingIOError:
            written = 0
        except OSError:
            return  # its own thread sees too that the peer is gone, and gives the records back
        if written < len(frame) and self._kick is not None:
            self._rest = frame[written:]
            # The peer may go this moment; see above.
            with contextlib.suppress(OSError):
                self._kick[1].send(b"!")

    def get_ready(self) -> None:
        """Prepare to wait; before others may deliver."""
        if self._poll is None:
            self._kick = socket.socketpair()
            self._poll = select.poll()
            self._poll.register(self._socket, select.POLLIN)
            self._poll.register(self._kick[0], select.POLLIN)

    def wait(self, ring: Ring, waiter: Waiter, seconds: float) -> Answer | Delivered:
        """Wait for a delivery by another thread.

        Raises:
            EOFError: the peer closed, or spoke while it should have listened.
        """
        assert self._poll is not None  # noqa: S101 - get_ready was called
        if not self._poll.poll(seconds * 1000):
            answer = ring.withdraw(waiter)
            if answer is not None:
                return answer
            self._poll.poll()  # until the peer has taken the answer, or a rest is left to write
        if self._rest and self._kick is not None:
            self._kick[0].recv(1)
            rest, self._rest = self._rest, b""
            wire.finish(self._socket.fileno(), rest)
        elif ring.withdraw(waiter) is not None:
            raise EOFError
        return DELIVERED

    def close(self) -> None:
        """Close; its queues have been left."""
        self._socket.close()
        for end in self._kick or ():
            end.close()
