"""One connection to the queue server, with a deadline for every reply.

After any trouble (a timeout, a signal's exception, a broken pipe) a late reply could be taken for
the next one; so the connection is closed and never used again.
"""

from __future__ import annotations

import os
import socket
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from typing import Any

from engine.broker import wire
from engine.broker.place import Address
from engine.errors import BrokerError, MessageRejected

_NO_NAMES: dict[str, object] = {}
_REFUSALS = {"MessageRejected": MessageRejected}


class LinkLost(Exception):  # noqa: N818 - reads as what happened
    """Raised when the connection cannot be made or broke; a new one may do."""


class LateReply(Exception):  # noqa: N818 - reads as what happened
    """Raised when the server did not answer in time; it may be stopped, not dead."""


class Link:
    """A proved connection; not thread-safe."""

    def __init__(self, address: Address, key: bytes, reply_s: float) -> None:
        self._reply_s = reply_s
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        if family == socket.AF_INET and ":" in address[0]:
            family = socket.AF_INET6
        self._socket = socket.socket(family)
        self._handle = self._socket.fileno()
        try:
            wire.set_timeouts(self._socket, reply_s, reply_s)
            wire.tune(self._socket)
            self._socket.connect(address)
            self._prove(key)
        except BlockingIOError as error:
            self.close()
            raise LateReply("no answer to a new connection") from error
        except AuthenticationError as error:
            self.close()
            raise BrokerError(
                "The queue server refused our key; give both the same data folder."
            ) from error
        except (OSError, EOFError) as error:
            self.close()
            raise LinkLost(str(error) or "the connection closed") from error

    def call(
        self,
        name: str | None,
        verb: str,
        args: tuple[object, ...] = (),
        wait_s: float = 0.0,
        reader: wire.Reader = wire.plain_answer,
    ) -> Any:  # noqa: ANN401 - whatever the reader makes
        """Ask and return the answer, plain or as `reader` makes it.

        Raises:
            LateReply: no answer within the reply deadline plus `wait_s`.
            LinkLost: the connection broke.
            MessageRejected, BrokerError: the server refused, in one sentence.
        """
        try:
            message = wire.frame((name, verb, args, _NO_NAMES))
        except (wire.WireError, TypeError, ValueError) as error:
            raise MessageRejected(f"The call {verb!r} cannot be sent: {error}.") from error
        handle = self._handle
        fine = False
        try:
            if handle < 0:
                raise EOFError
            written = os.write(handle, message)
            if written < len(message):
                wire.finish(handle, message[written:])
            kind, answer = wire.receive(handle, self._reply_s + wait_s, reader)
            fine = True
        except BlockingIOError as error:
            raise LateReply(f"no answer within {self._reply_s:g} s") from error
        except (OSError, EOFError) as error:
            raise LinkLost(str(error) or "the connection closed") from error
        except (wire.WireError, TypeError, ValueError) as error:
            raise BrokerError(f"The queue server sent nonsense: {error}.") from error
        finally:
            if not fine:
                self.close()
        if kind == "#RETURN":
            return answer
        refusal, _, sentence = str(answer).partition(": ")
        raise _REFUSALS.get(refusal, BrokerError)(sentence)

    def close(self) -> None:
        """Close; free to call twice."""
        self._handle = -1
        self._socket.close()

    @property
    def closed(self) -> bool:
        """Whether the connection is given up."""
        return self._handle < 0

    def _prove(self, key: bytes) -> None:
        connection = Connection(os.dup(self._socket.fileno()))
        try:
            answer_challenge(connection, key)
            deliver_challenge(connection, key)
        finally:
            connection.close()
