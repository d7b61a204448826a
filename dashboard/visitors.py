"""Who looks at a page, and whether they may change things: told by login, proxy, or address.

Whoever cannot be told is a viewer. The address is noted by `dashboard.front` at the connection
itself, since Streamlit tells none both for loopback and for a session that just broke off.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import NamedTuple

import streamlit as st

from dashboard.front import PEER
from engine.actions.roles import Actor, Role
from engine.actions.store import given
from engine.addresses import listed, networks
from engine.settings import Settings

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers that a proxy sets: who comes through one does not come from loopback."""

LONGEST_NAME = 80

Headers = Callable[[str], list[str]]
"""All values of one header."""


class Visitor(NamedTuple):
    """Somebody at a page."""

    actor: Actor
    why_not: str = ""
    """Why they may only look; empty for an operator."""
    may_log_in: bool = False


def visitor(settings: Settings, headers: Headers, login: Mapping[str, object]) -> Visitor:
    """Who comes with these headers and this login (`st.user`, where OIDC is configured).

    Where names are told, by login or by proxy, a name is needed on loopback too: a proxy on this
    machine makes every stranger look like loopback.
    """
    address = (headers(PEER) or [""])[0]
    if "is_logged_in" in login:
        name = _logged_in(login)
        return _named(settings, name, "log in.", may_log_in=not name) if address else _unknown()
    if settings.identity_header:
        told = headers(settings.identity_header)
        if not _among(address, settings.trusted_proxies):
            return _viewer(address, f"{address or 'nobody'} is no proxy that is trusted here.")
        # Two of them: the proxy added its own to one that a stranger sent.
        return _named(settings, told[0] if len(told) == 1 else "", "log in at the proxy.")
    return _by_address(settings, address, any(headers(name) for name in FORWARDED))


def current() -> Visitor:
    """Who looks at the page that is being drawn.

    Raises:
        SettingsError: the settings cannot be read.
    """
    return visitor(given(None), _headers, _login())


def providers() -> list[str | None]:
    """Who can say who comes (`[auth.NAME]` in Streamlit's secrets); None: the only one."""
    sections = st.secrets["auth"].items()
    return [name for name, section in sections if isinstance(section, Mapping)] or [None]


def is_logged_in() -> bool:
    """Whether this session came in by a login, and can end it."""
    return bool(_login().get("is_logged_in"))


def _headers(name: str) -> list[str]:
    return st.context.headers.get_all(name)


def _login() -> Mapping[str, object]:
    # These headers would stand in for the login, whoever sends them.
    return {} if st.get_option("server.trustedUserHeaders") else st.user.to_dict()


def _logged_in(login: Mapping[str, object]) -> str:
    if not login["is_logged_in"] or login.get("email_verified") is False:
        return ""
    return str(login.get("email") or login.get("preferred_username") or "")


def _named(settings: Settings, name: str, remedy: str, *, may_log_in: bool = False) -> Visitor:
    known = name.strip()[:LONGEST_NAME]
    if not known:
        return _viewer("", remedy)._replace(may_log_in=may_log_in)
    if known.casefold() in map(str.casefold, listed(settings.operators)):
        return Visitor(Actor(Role.OPERATOR, f"dashboard {known}", is_remote=True))
    return _viewer(known, f"{known} is not among CACHESCOPE_OPERATORS.")


def _by_address(settings: Settings, address: str, is_forwarded: bool) -> Visitor:
    if not address:
        return _unknown()
    if is_forwarded:
        return _viewer(address, "a proxy stands between; set CACHESCOPE_IDENTITY_HEADER.")
    if _among(address, "127.0.0.0/8, ::1"):
        return Visitor(Actor(Role.OPERATOR, f"dashboard {address}"))
    if _among(address, settings.operator_addresses):
        return Visitor(Actor(Role.OPERATOR, f"dashboard {address}", is_remote=True))
    return _viewer(address, f"this session comes from {address}, not from this machine.")


def _unknown() -> Visitor:
    return _viewer("", "nobody can say where this session comes from; load the page again.")


def _viewer(name: str, remedy: str) -> Visitor:
    actor = Actor(Role.VIEWER, f"dashboard {name or 'somebody'}", is_remote=True, remedy=remedy)
    return Visitor(actor, f"A viewer may only look: {remedy}")


def _among(address: str, allowed: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in networks(allowed))
