"""Frames and their content on a queue connection; safe against whatever the peer sends.

The frames are those of `multiprocessing.connection` (a signed 4-byte length, then the content).
Our own clients send MessagePack, which is faster than a guarded pickle; a stock `BaseManager`
client sends pickles and gets pickles. Unlike the standard library, one frame costs one system call
each way, its length is capped, and unpickling can make plain builtins only: no peer can make the
other side run code.
"""

from __future__ import annotations

import io
import os
import pickle
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

MAX_FRAME_BYTES = 16_000_000
"""Longest frame accepted after authentication; a full batch of largest payloads fits."""

PROTOCOL = 5

_LENGTH = struct.Struct("!i")
_LEAST = _LENGTH.size + 1
_PICKLE = 0x80
_READ_BYTES = 65_536
_encode = msgspec.msgpack.Encoder().encode
_unpack_length = _LENGTH.unpack_from

Reader = Callable[[memoryview], Any]
"""Makes a value of a frame's MessagePack."""

plain_answer: Reader = msgspec.msgpack.Decoder().decode


class WireError(Exception):
    """Raised when a peer sends what is not a frame of plain values; its connection must go."""


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise WireError(f"a message names {module}.{name}; only plain values may travel")


def frame(value: object, pickled: bool = False) -> bytes:
    """One whole frame of MessagePack or pickle.

    Raises:
        WireError: the frame would be longer than its reader accepts.
        TypeError, ValueError: the value cannot be written.
    """
    body = pickle.dumps(value, PROTOCOL) if pickled else _encode(value)
    if len(body) > MAX_FRAME_BYTES:
        raise WireError(f"a message of {len(body)} bytes is longer than {MAX_FRAME_BYTES}")
    return _LENGTH.pack(len(body)) + body


def finish(fd: int, rest: bytes) -> None:
    """Write what is left of a frame; raises BlockingIOError when the send timeout passes."""
    view = memoryview(rest)
    while view:
        view = view[os.write(fd, view) :]


def answer_of(kind: Any) -> Reader:  # noqa: ANN401 - any type that msgspec knows
    """Reads an answer of a given type, or the sentence that refuses it."""
    return msgspec.msgpack.Decoder(tuple[str, kind | str]).decode


def receive_either(fd: int) -> tuple[Any, bool]:
    """Read one frame of MessagePack or pickle; returns its plain value and whether it was pickled.

    Raises as `receive` does.
    """
    chunk = os.read(fd, _READ_BYTES)
    if len(chunk) < _LEAST or _unpack_length(chunk)[0] != len(chunk) - _LENGTH.size:
        chunk = _read_on(fd, chunk, None)
    # Of MessagePack this byte is an empty map, which no request is.
    if chunk[_LENGTH.size] == _PICKLE:
        return plain(chunk, _LENGTH.size), True
    try:
        return plain_answer(memoryview(chunk)[_LENGTH.size :]), False
    except msgspec.MsgspecError as error:
        raise WireError(f"a message is no MessagePack ({error})") from None


def receive(fd: int, limit_s: float | None = None, reader: Reader = plain_answer) -> Any:  # noqa: ANN401
    """Read one frame of MessagePack and return its value: a plain one unless `reader` knows better.

    `limit_s` bounds a peer that dribbles, from its first byte on; the wait for that one is bounded
    by the socket's receive timeout.

    Raises:
        EOFError: the peer is gone.
        BlockingIOError: the socket's receive timeout or the limit passed.
        WireError: the frame is too long, or its content is not what `reader` reads.
    """
    chunk = os.read(fd, _READ_BYTES)
    if len(chunk) < _LEAST or _unpack_length(chunk)[0] != len(chunk) - _LENGTH.size:
        chunk = _read_on(fd, chunk, limit_s)
    try:
        return reader(memoryview(chunk)[_LENGTH.size :])
    except msgspec.MsgspecError as error:
        raise WireError(f"a message is not what it should be ({error})") from None


def _read_on(fd: int, chunk: bytes, limit_s: float | None) -> bytes:
    """The rest of a frame that did not come in one piece."""
    while len(chunk) < _LENGTH.size:
        more = os.read(fd, _READ_BYTES) if chunk else b""
        if not more:
            raise EOFError
        chunk += more
    size = _unpack_length(chunk)[0]
    if not 0 < size <= MAX_FRAME_BYTES:
        raise WireError(f"a frame of {size} bytes; 1 to {MAX_FRAME_BYTES} are allowed")
    missing = size + _LENGTH.size - len(chunk)
    if missing < 0:
        raise WireError("a second message before the first was answered")
    return _finish(fd, chunk, missing, limit_s)


def _finish(fd: int, chunk: bytes, missing: int, limit_s: float | None) -> bytes:
    deadline = None if limit_s is None else time.monotonic() + limit_s
    parts = [chunk]
    while missing:
        if deadline is not None and time.monotonic() > deadline:
            raise BlockingIOError("the message did not end in time")
        part = os.read(fd, min(missing, 1_048_576))
        if not part:
            raise EOFError
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def plain(data: bytes, start: int = 0) -> Any:  # noqa: ANN401 - plain values
    """Unpickle plain builtins from `data`; raises WireError for anything else."""
    stream = io.BytesIO(data)
    stream.seek(start)
    try:
        return _PlainUnpickler(stream).load()
    except WireError:
        raise
    except Exception as error:  # noqa: BLE001 - damaged pickles raise almost anything
        raise WireError(f"a message is no pickle of plain values ({error})") from None


def set_timeouts(sock: socket.socket, receive_s: float, send_s: float) -> None:
    """Bound every single read and write of `sock` in the kernel; 0 waits without limit.

    Unlike `settimeout` this costs no extra system call a message and bounds `connect` as well.
    """
    for option, seconds in ((socket.SO_RCVTIMEO, receive_s), (socket.SO_SNDTIMEO, send_s)):
        whole = int(seconds)
        value = struct.pack("ll", whole, int((seconds - whole) * 1_000_000))
        sock.setsockopt(socket.SOL_SOCKET, option, value)


def tune(sock: socket.socket) -> None:
    """Send small messages at once and notice dead peers; nothing to do for a Unix socket."""
    if sock.family != socket.AF_UNIX:
        # Without this a frame in two writes waits 40 ms for the peer's delayed acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
