"""Where requests may go, and one look at what answers there before any load is sent."""

from __future__ import annotations

import ipaddress
import random
import time
from urllib.parse import SplitResult, urlsplit

import httpx

from engine.errors import EngineError
from mock.drawing import Sampler
from mock.openapi import Catalogue
from mock.web_names import SERVICE_NAME

LOOKS = 6
"""Operations that are tried before the address is called wrong."""


class WrongAddress(EngineError):  # noqa: N818 - reads as the sentence it reports
    """Raised when nothing answers at an address, or something else than the API does."""


def check_address(url: str, allow_remote: bool) -> str:
    """Return the address in its normal form.

    Raises:
        WrongAddress: it is no http(s) address, or it is remote and that was not allowed.
    """
    text = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise WrongAddress(f"{url!r} is no address; write it as http://127.0.0.1:8001.")
    if "://" not in url and not _is_named(parts):
        raise WrongAddress(
            f"{url!r} is no address of an API; write it as http://HOST:PORT, "
            "such as http://127.0.0.1:8001."
        )
    if not allow_remote and not is_loopback(host):
        raise WrongAddress(
            f"{host} is another machine; --allow-remote sends load there, if it is yours."
        )
    return text.rstrip("/")


def _is_named(parts: SplitResult) -> bool:
    """Whether an address without http:// names a machine all the same, and not just a word."""
    host = parts.hostname or ""
    return bool(parts.port) or "." in host or ":" in host or is_loopback(host)


def is_loopback(host: str) -> bool:
    """Whether a host's name or number means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def look(client: httpx.Client, address: str, catalogue: Catalogue) -> None:
    """Make sure that the API of the catalogue answers at `address`.

    Raises:
        WrongAddress: one sentence on what is there instead, or why nothing is.
    """
    try:
        _refuse_known(client, address)
        _try_paths(client, address, catalogue)
    except httpx.HTTPError as error:
        raise WrongAddress(_explain(error, address)) from None


def _refuse_known(client: httpx.Client, address: str) -> None:
    health = client.get("/health")
    if _service(health).startswith("cachescope") and _service(health) != SERVICE_NAME:
        raise WrongAddress(_not_the_api(address, "Cachescope's own engine"))
    if "cachescope" in _title(client.get("/openapi.json")).lower():
        raise WrongAddress(_not_the_api(address, "Cachescope's own engine"))
    streamlit = client.get("/_stcore/health")
    if streamlit.is_success and streamlit.text.strip() == "ok":
        raise WrongAddress(_not_the_api(address, "a Streamlit page (a dashboard)"))


def _not_the_api(address: str, what: str) -> str:
    return (
        f"At {address} answers {what}, not the API to send requests to; the sample origin "
        "usually listens on http://127.0.0.1:8001."
    )


def _try_paths(client: httpx.Client, address: str, catalogue: Catalogue) -> None:
    safe = [n for n, o in enumerate(catalogue.operations) if o.method in ("GET", "HEAD")]
    if not safe:
        return
    chance, sampler = random.Random(0), Sampler(catalogue)
    tried: list[str] = []
    for number in safe[:LOOKS]:
        draw = sampler.draw_one(chance, time.time(), number)
        response = client.request(draw.operation.method, draw.target)
        page = response.headers.get("content-type", "").startswith("text/html")
        if response.status_code not in (400, 404, 405, 421) and not page:
            return
        if "https" in response.text[:500].lower() and response.status_code == 400:
            raise WrongAddress(f"{address} expects TLS; write https:// instead of http://.")
        tried.append(draw.operation.path)
    raise WrongAddress(
        f"Something answers at {address}, but none of the paths of {catalogue.title!r} "
        f"(such as {tried[0]}) exists there; check the address, or give its OpenAPI file "
        "with --spec."
    )


def _service(response: httpx.Response) -> str:
    try:
        found = response.json()
    except ValueError:
        return ""
    return str(found.get("service", "")).lower() if isinstance(found, dict) else ""


def _title(response: httpx.Response) -> str:
    try:
        return str(response.json()["info"]["title"])
    except (ValueError, KeyError, TypeError):
        return ""


def _explain(error: httpx.HTTPError, address: str) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = text.partition("failed: ")[2].partition(" (_ssl")[0] or "not trusted"
        return (
            f"The TLS certificate of {address} could not be verified ({reason}); use a "
            "certificate that this machine trusts (SSL_CERT_FILE names a file of yours)."
        )
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER" in text or "HTTP_REQUEST" in text:
        return f"{address} does not speak TLS; write http:// instead of https://."
    if "ssl" in text.lower():
        return f"No TLS connection to {address} came about: {text}."
    if isinstance(error, httpx.TimeoutException):
        return f"{address} did not answer in time; is the API running and not overloaded?"
    if isinstance(error, httpx.ConnectError):
        reason = text.rpartition("] ")[2]
        return (
            f"Nothing answers at {address} ({reason}); start the API, or for the sample: "
            "python -m mock.origin."
        )
    return f"{address} closed the connection without an answer; is it an HTTP address ({text})?"
