"""Addresses, names and lists of them, as settings spell them."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def listed(text: str) -> list[str]:
    """The parts of a comma-separated setting, without those that are empty."""
    return [part.strip() for part in text.split(",") if part.strip()]


def networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Comma-separated addresses and networks.

    Raises:
        ValueError: one is neither; the message says which.
    """
    found = []
    for part in listed(text):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            raise ValueError(
                f"{part!r} is no address; give such as 10.0.0.5 or 10.0.0.0/24, separated by commas"
            ) from None
    return found
