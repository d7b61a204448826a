"""`python -m engine.resilience.faults.dashboard`: a real dashboard that belongs to one test.

It is started as anybody starts it, attached to the copy's supervisor and store. This service is
ready once it answers and beats as long as it lives: how soon it answers in a storm is what viewers
judge, no reason to replace it. It lives in this service's process group, so that whatever ends this
process ends it too.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec

from engine.resilience.child import Child, end
from engine.settings import ROOT

HOME = Path("dashboard/Home.py")
VIEWS = ROOT / "dashboard" / "views"
LOOPBACK = "127.0.0.1"
LOOK_S = 0.1
ANSWER_S = 2.0
FORGOTTEN_S = 1
"""For how long a session that is not connected is kept: a test cannot wait for the usual time."""


class Shown(msgspec.Struct, frozen=True):
    """Where the dashboard is: its process and its port."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"


def missing() -> str:
    """Why no dashboard can be started here, in a sentence; empty if one can."""
    if not (ROOT / HOME).is_file():
        return "This installation has no dashboard (the engine's image leaves it out)."
    if importlib.util.find_spec("streamlit") is None:
        return "Streamlit is not installed here; install dashboard/requirements.txt."
    return ""


def pages() -> list[str]:
    """The names of its pages as they stand in addresses."""
    return sorted(path.stem for path in VIEWS.glob("[a-z]*.py"))


def shown(folder: Path) -> Shown:
    """Where the dashboard of a run is."""
    return msgspec.json.decode(_told(folder).read_bytes(), type=Shown)


def sessions(url_port: int) -> int:
    """How many sessions the dashboard holds, as it tells itself.

    Raises:
        OSError: it does not answer.
    """
    body = _get(url_port, "/_stcore/metrics?families=active_sessions")
    found = [line.split() for line in body.splitlines() if line.startswith("active_sessions")]
    if not found:
        raise OSError("The dashboard does not tell how many sessions it holds.")
    return int(float(found[0][1]))


def main() -> int:
    """Run the dashboard until told to stop; its own end is ours."""
    child = Child("dashboard")
    port = _free_port()
    log = child.folder / "dashboard.log"
    with log.open("ab") as said:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(HOME),
             "--server.address", LOOPBACK, "--server.port", str(port),
             "--server.fileWatcherType", "none",
             "--server.disconnectedSessionTTL", str(FORGOTTEN_S)],
            cwd=ROOT,
            env={**os.environ, "CACHESCOPE_ATTACH_ONLY": "true"},
            stdout=said,
            stderr=said,
        )  # fmt: skip
    _told(child.folder).write_bytes(msgspec.json.encode(Shown(server.pid, port)))
    ready = False
    while not child.stopping and server.poll() is None:
        child.lifeline.beat()
        if not ready:
            with contextlib.suppress(OSError):
                _get(port, "/_stcore/health")
                ready = True
                child.lifeline.ready()
        child.lifeline.wait(LOOK_S)
    end(server)
    child.history.close()
    return 0 if child.stopping else 1


def _told(folder: Path) -> Path:
    return folder / "dashboard.json"


def _get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except http.client.HTTPException as error:
        raise OSError(f"The dashboard answered with no HTTP ({error!r}).") from None
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise OSError(f"The dashboard answered {path} with {answer.status}.")
    return body


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
