"""Talking to a running engine: one JSON line there, one back, each within a deadline."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from engine import remote
from engine.errors import ControlError
from engine.settings import Settings

LOOKS = ("status", "events")
"""Verbs that change nothing: a viewer may use them."""

NO_ENGINE = "No engine runs on this data folder; start it with `python -m engine up`."


def socket_path(settings: Settings) -> Path:
    """Where the engine of these settings listens."""
    return settings.run_path / "control"


def call(settings: Settings, verb: str, timeout_s: float = 5.0, **arguments: object) -> Any:  # noqa: ANN401 - the verb's own JSON
    """Ask the running engine; returns the reply as a dictionary (see `engine.supervision.verbs`).

    An engine on another machine (`CACHESCOPE_ENGINE_URL`) is asked over its API.

    Raises:
        ControlError: no engine runs, it did not answer in time, or it refused (in its words).
    """
    if settings.engine_url:
        if verb in LOOKS:
            return remote.get(settings, verb, timeout_s=timeout_s, **arguments)
        return remote.post(settings, "control", verb, timeout_s=timeout_s, **arguments)
    request = json.dumps({"verb": verb, **arguments}).encode() + b"\n"
    reply = json.loads(_exchange(socket_path(settings), request, timeout_s))
    if not reply.pop("ok"):
        raise ControlError(str(reply.get("error")))
    return reply


def is_running(settings: Settings) -> bool:
    """Whether an engine answers on this data folder."""
    try:
        call(settings, "status", timeout_s=2.0)
    except ControlError:
        return False
    return True


def _exchange(path: Path, request: bytes, timeout_s: float) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_s)
        try:
            client.connect(str(path))
            client.sendall(request)
            with client.makefile("rb") as lines:
                reply = lines.readline()
        except (FileNotFoundError, ConnectionRefusedError):
            raise ControlError(NO_ENGINE) from None
        except TimeoutError:
            raise ControlError(
                f"The engine did not answer within {timeout_s:g} s; look at logs/engine.log, or "
                "stop it by its pid (data/engine.json) and start it again."
            ) from None
        except OSError as error:
            raise ControlError(f"The engine broke off ({error.strerror}); try again.") from None
    if not reply.endswith(b"\n"):
        raise ControlError("The engine ended before it answered.")
    return reply
