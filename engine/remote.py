"""An engine on another machine, asked over its API. Standard library only.

Actions speak to the socket of an engine on their own machine; where `CACHESCOPE_ENGINE_URL` is set,
the same verbs travel over HTTP, with the operator's token or else the viewer's.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlencode

from engine.errors import ControlError
from engine.settings import Settings


def get(settings: Settings, *path: str, timeout_s: float = 5.0, **query: object) -> Any:  # noqa: ANN401 - any JSON
    """What the engine's API answers to a GET.

    Raises:
        ControlError: it does not answer, or refuses; in its own words where it has some.
    """
    return _ask(settings, path, timeout_s, query=query)


def post(settings: Settings, *path: str, timeout_s: float = 5.0, **body: object) -> Any:  # noqa: ANN401 - any JSON
    """What it answers to a POST of `body` as JSON.

    Raises:
        ControlError: as `get`.
    """
    return _ask(settings, path, timeout_s, body=body)


def _ask(
    settings: Settings,
    path: tuple[str, ...],
    timeout_s: float,
    query: dict[str, object] | None = None,
    body: dict[str, object] | None = None,
) -> Any:  # noqa: ANN401 - any JSON
    base = settings.engine_url.rstrip("/")
    url = "/".join([base, *(quote(part, safe="") for part in path)])
    if query:
        url += "?" + urlencode(query)
    request = urllib.request.Request(url, headers=_headers(settings))  # noqa: S310 - http(s): the setting's check
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as reply:  # noqa: S310 - as above
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise ControlError(_said(error)) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise ControlError(
            f"No engine answers at {base} ({why}); start it there, or correct "
            "CACHESCOPE_ENGINE_URL."
        ) from None


def _headers(settings: Settings) -> dict[str, str]:
    tokens = (settings.operator_token, settings.viewer_token)
    token = next((t.reveal() for t in tokens if t.reveal()), "")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _said(error: urllib.error.HTTPError) -> str:
    """The sentence of a problem document (RFC 9457)."""
    try:
        return str(json.loads(error.read())["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"The engine's API answered {error.code} {error.reason}."
