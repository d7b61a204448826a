"""What a setting of the right form must also be; the message of a ValueError says what to give."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.addresses import networks
from engine.secret import Secret

SHORTEST_TOKEN = 16
"""Characters."""


def _long_enough(token: Secret) -> None:
    if 0 < len(token.reveal()) < SHORTEST_TOKEN:
        raise ValueError(
            f"a token that short can be guessed; give at least {SHORTEST_TOKEN} characters, "
            "such as those of `openssl rand -hex 32`"
        )


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) <= 65535


def _web_address(url: str) -> None:
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("give the address of its API, such as http://engine.lan:8000")


def _host_and_port(address: str) -> None:
    host, _, port = address.rpartition(":")
    if address and not (host and "/" not in host and _is_port(port)):
        raise ValueError("give HOST:PORT of the cluster's head, such as 10.0.0.5:6379")


def _plain_address(url: str) -> None:
    found = re.fullmatch(r"http://[A-Za-z0-9.-]+:(\d+)", url)
    if url and not (found and _is_port(found[1])):
        raise ValueError("write it as http://HOST:PORT, such as http://origin:8001")


CHECKS: Mapping[str, Callable[[Any], object]] = {
    "operator_token": _long_enough,
    "viewer_token": _long_enough,
    "engine_url": _web_address,
    "ray_address": _host_and_port,
    "sample_address": _plain_address,
    "operator_addresses": networks,
    "trusted_proxies": networks,
}
"""Field -> what raises a ValueError unless its value can be used."""
