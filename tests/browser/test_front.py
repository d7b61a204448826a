"""The dashboard's real server: who comes, told by real connections, and foreign names refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from streamlit.web.server.starlette import starlette_app_utils
from websockets.exceptions import InvalidStatus

from dashboard.front import PEER
from dashboard.viewing import Viewer, viewing
from db.migrations import migrate
from db.queries import system
from db.session import open_store
from tests.browser.app import App

pytestmark = pytest.mark.timeout(180)

ANNA = "anna@example.org"
BY_HEADER = {"CACHESCOPE_IDENTITY_HEADER": "X-Email", "CACHESCOPE_OPERATORS": ANNA}
FIELD = "Discount factor of future rewards"
SECRET = "a-secret-that-only-the-server-knows"


class Front(App):
    """A dashboard without an engine, on a store that is ready."""

    def __init__(self, folder: Path, **environment: str) -> None:
        (folder / "data").mkdir()
        self.store = open_store(f"sqlite:///{folder / 'data' / 'cachescope.sqlite3'}")
        migrate(self.store)
        super().__init__(folder, CACHESCOPE_ATTACH_ONLY="true", **environment)

    def noted(self) -> list[tuple[str, str]]:
        """Who did what, newest first."""
        return [(row["who"], row["action"]) for row in system.audit(self.store)]

    def discount(self) -> float | None:
        """The tunable that a test changes; None: nobody has."""
        found = system.tunables(self.store).get("agent.discount")
        return None if found is None else float(str(found))


@contextlib.contextmanager
def fronting(folder: Path, **environment: str) -> Iterator[Front]:
    front = Front(folder, **environment)
    try:
        front.wait_served()
        yield front
    finally:
        front.clean()
        front.store.dispose()


def change(
    front: Front, value: float, headers: dict[str, str] | None = None, token: str = ""
) -> Viewer:
    """Open System with these headers and enter a value, whether or not the field is locked."""

    async def act() -> Viewer:
        async with viewing(front.url, page="system", headers=headers, token=token) as viewer:
            await viewer.draw()
            await viewer.until_drawn()
            await viewer.draw(entered={FIELD: value})
            await viewer.until_drawn()
            return viewer

    return asyncio.run(act())


def opened(front: Front, name: str = "", origin: str | None = None) -> int:
    """The status with which a connection is opened or refused."""

    async def act() -> int:
        async with viewing(front.url, name=name, origin=origin):
            return 101

    try:
        return asyncio.run(act())
    except InvalidStatus as error:
        return error.response.status_code


def test_loopback_operates_a_proxy_without_names_does_not_and_foreign_names_are_refused(
    tmp_path: Path,
) -> None:
    with fronting(tmp_path) as front:
        change(front, 0.5)
        assert front.discount() == 0.5
        assert front.noted() == [("dashboard 127.0.0.1", "set tunable")]
        seen = change(front, 0.6, {"X-Forwarded-For": "127.0.0.1", PEER: "127.0.0.1"})
        assert seen.numbers[FIELD].disabled
        assert "a proxy stands between" in seen.numbers[FIELD].help
        assert front.discount() == 0.5
        assert len(front.noted()) == 1

        assert httpx.get(f"{front.url}/api/ready").status_code == 503
        for path in ("/", "/api/ready", "/_stcore/health"):
            answer = httpx.get(front.url + path, headers={"Host": "evil.example"})
            assert answer.status_code == 400, path
        assert opened(front) == 101
        assert opened(front, "localhost", f"http://localhost:{front.port}") == 101
        assert opened(front, "evil.example", f"http://evil.example:{front.port}") == 400
        assert opened(front, origin="http://evil.example") == 403
        sent = httpx.put(f"{front.url}/_stcore/upload_file/a/b", files={"file": b"x"})
        assert sent.status_code in (400, 403)


def test_a_name_is_believed_from_a_trusted_proxy_alone(tmp_path: Path) -> None:
    named = {"X-Email": ANNA, "X-Forwarded-For": "10.9.9.9"}
    with fronting(tmp_path, **BY_HEADER) as front:
        change(front, 0.5, named)
        assert front.noted() == [(f"dashboard {ANNA}", "set tunable")]
        for headers in ({}, {"X-Email": "eve@example.org"}, {"X-Email": f"{ANNA},"}):
            seen = change(front, 0.6, headers)
            assert seen.numbers[FIELD].disabled, headers
        assert front.discount() == 0.5


def test_spoofed_headers_of_a_peer_that_is_not_trusted_are_ignored(tmp_path: Path) -> None:
    proxy = "10.0.0.2"
    spoofed = {"X-Email": ANNA, "X-Forwarded-For": proxy, PEER: proxy, "X-Real-Ip": proxy}
    environment = BY_HEADER | {"CACHESCOPE_TRUSTED_PROXIES": proxy, "FORWARDED_ALLOW_IPS": "*"}
    with fronting(tmp_path, **environment) as front:
        seen = change(front, 0.6, spoofed)
        assert seen.numbers[FIELD].help.endswith("127.0.0.1 is no proxy that is trusted here.")
        assert (front.discount(), front.noted()) == (None, [])


def logged_in(front: Front, value: float, secret: str) -> Viewer:
    """Change the field as a browser does after a login; only who knows the secret can sign one."""
    told = {"origin": front.url, "is_logged_in": True, "email": ANNA}
    name, forgery = "_streamlit_user", "_streamlit_xsrf"
    signed = starlette_app_utils.create_signed_value(secret, name, json.dumps(told)).decode()
    token = httpx.get(f"{front.url}/_stcore/health").cookies[forgery]
    return change(front, value, {"Cookie": f"{name}={signed}; {forgery}={token}"}, token)


def test_a_login_is_a_name_and_without_one_even_loopback_looks(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.toml"
    lines = {
        "redirect_uri": "http://localhost/oauth2callback",
        "cookie_secret": SECRET,
        "client_id": "x",
        "client_secret": "y",
        "server_metadata_url": "http://localhost/.well-known/openid-configuration",
    }
    secrets.write_text("[auth]\n" + "".join(f'{k} = "{v}"\n' for k, v in lines.items()))
    environment = {"STREAMLIT_SECRETS_FILES": str(secrets), "CACHESCOPE_OPERATORS": ANNA}
    with fronting(tmp_path, **environment) as front:
        seen = change(front, 0.6)
        assert seen.numbers[FIELD].help == "A viewer may only look: log in."
        assert "Log in" in seen.buttons
        assert logged_in(front, 0.6, "another-secret").numbers[FIELD].disabled
        assert front.discount() is None
        seen = logged_in(front, 0.5, SECRET)
        assert front.discount() == 0.5
        assert front.noted() == [(f"dashboard {ANNA}", "set tunable")]
        assert "Log out" in seen.buttons
