"""A busy port means the next free one."""

from __future__ import annotations

import socket
from collections.abc import Container

from engine.errors import ControlError

TRIES = 50


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `host`:`port` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # A server's old connections in TIME_WAIT do not hinder its successor.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def free_port(host: str, wanted: int, taken: Container[int] = ()) -> int:
    """`wanted` if it is free, else the next free one above; 0 asks the system for any.

    Raises:
        ControlError: none of the next ports is free, or `host` is no address of this machine.
    """
    if wanted == 0:
        return _any_port(host)
    for port in range(wanted, min(wanted + TRIES, 65536)):
        if port not in taken and is_free(host, port):
            return port
    raise ControlError(
        f"No port from {wanted} to {min(wanted + TRIES, 65536) - 1} is free on {host}; "
        "set another port or host."
    )


def _any_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            raise ControlError(
                f"{host} is no address of this machine ({error.strerror}); set another host."
            ) from None
        return int(probe.getsockname()[1])
