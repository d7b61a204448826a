"""Who sends a request, told by its bearer token."""

from __future__ import annotations

import hmac

from engine.actions.roles import LOCAL, Actor, Role
from engine.secret import Secret
from engine.settings import Settings


class Tokens:
    """The tokens of these settings; with none, everybody is whoever has a shell here."""

    def __init__(self, settings: Settings) -> None:
        self._known = [
            (role, _bytes(token))
            for role, token in (
                (Role.OPERATOR, settings.operator_token),
                (Role.VIEWER, settings.viewer_token),
            )
            if token.reveal()
        ]

    def actor(self, authorization: str, client: str) -> Actor | None:
        """Who sends this header; None: nobody we know."""
        if not self._known:
            return LOCAL
        scheme, _, given = authorization.partition(" ")
        token = given.strip().encode() if scheme.lower() == "bearer" else b""
        # Every token is compared, and each in constant time: how long it takes tells nothing.
        fits = [role for role, known in self._known if hmac.compare_digest(token, known)]
        return Actor(fits[0], f"api {fits[0]} {client}", is_remote=True) if fits else None


def _bytes(token: Secret) -> bytes:
    return token.reveal().encode()
