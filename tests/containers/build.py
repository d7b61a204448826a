"""Builds the real Dockerfile and runs both images: `python -m tests.containers.build`.

Minutes, most of them for copies of torch's layer, and so no part of the suite. Needs root, buildah
and debootstrap. Each image runs as its own user, without a writable root of its own use, until its
own health check says yes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.containers import tools

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("dashboard", "engine")
HEALTHY_S = 120.0
PORT = 18_511
"""Of the dashboard."""


def main() -> int:
    """Build, run, report; 1 when an image did not become healthy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reuse", action="store_true", help="run the images that are there")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "cachescope-images"
    )
    given = parser.parse_args()
    if absent := tools.missing():
        print(f"missing: {', '.join(absent)}; apt-get install buildah debootstrap")
        return 2
    given.folder.mkdir(parents=True, exist_ok=True)
    if not given.reuse:
        if not tools.has_image(tools.BASE):
            _timed("base", lambda: tools.make_base(given.folder))
        for target in TARGETS:
            _timed(f"build {target}", partial(tools.build, target, given.folder, ROOT))
    shared = given.folder / f"run-{secrets.token_hex(4)}"
    try:
        with running("engine", shared), running("dashboard", shared) as dashboard:
            states = dashboard.ready()
    except OSError as error:
        print(error)
        return 1
    finally:
        shutil.rmtree(shared, ignore_errors=True)
    print(f"the dashboard sees: {json.dumps(states)}")
    return 0 if states and set(states.values()) == {"running"} else 1


class Running:
    """One image's process, as its user."""

    def __init__(self, target: str, shared: Path) -> None:
        self.target = target
        self.container = tools.buildah("from", f"localhost/cachescope-{target}")
        about = json.loads(tools.buildah("inspect", self.container))["Docker"]["config"]
        self._health = about["Healthcheck"]["Test"][1:]
        assert about["User"] == "10001:10001", about["User"]
        volumes = []
        for inside in ("data", "tmp"):
            (shared / inside).mkdir(parents=True, exist_ok=True)
            os.chown(shared / inside, 10001, 10001)
            volumes += ["--volume", f"{shared / inside}:/{inside}"]
        # The network is this machine's: other engines and dashboards may run on it.
        ports = [
            "CACHESCOPE_API_PORT=0",
            "CACHESCOPE_ORIGIN_PORT=0",
            f"STREAMLIT_SERVER_PORT={PORT}",
        ]
        given = [word for port in ports for word in ("--env", port)]
        self._run = ["buildah", "run", *given, *volumes, self.container, "--"]
        self._log = (shared / f"{target}.log").open("wb")
        self.process = self._start(about["Cmd"])

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self._run, *command],
            env={**os.environ, **tools.ENVIRONMENT},
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ask(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run one more command in the container."""
        environment = {**os.environ, **tools.ENVIRONMENT}
        return subprocess.run(
            [*self._run, *command], env=environment, capture_output=True, text=True, check=False
        )

    def wait(self) -> None:
        """Until the image's own health check says yes.

        Raises:
            TimeoutError: it did not in time, or the process ended; with the end of its output.
        """
        deadline = time.monotonic() + HEALTHY_S
        while self.ask(self._health).returncode != 0:
            if time.monotonic() > deadline or self.process.poll() is not None:
                told = Path(self._log.name).read_text(errors="replace")[-2000:]
                raise TimeoutError(f"{self.target} did not become healthy:\n{told}")
            time.sleep(1.0)

    def ready(self) -> dict[str, str]:
        """The state of each service as the dashboard's container sees it, once all run."""
        code = (
            "import urllib.request as u;"
            f"print(u.urlopen('http://127.0.0.1:{PORT}/api/ready', timeout=5).read().decode())"
        )
        states: dict[str, str] = {}
        deadline = time.monotonic() + HEALTHY_S
        while time.monotonic() < deadline and set(states.values()) != {"running"}:
            said = self.ask(["python", "-c", code]).stdout
            with contextlib.suppress(ValueError):
                states = dict(json.loads(said)["services"])
            time.sleep(1.0)
        return states

    def check_root(self) -> None:
        """Say what the user wrote outside its volumes; a read-only root would have refused it.

        Raises:
            OSError: something.
        """
        places = ["/app", "/etc", "/home", "/opt", "/root", "/run", "/usr", "/var"]
        wanted = ["-user", "10001", "-print"]
        found = self.ask(["find", *places, "-xdev", *wanted]).stdout.split()
        print(f"{self.target}: {len(found)} files written outside /data and /tmp")
        if found:
            raise OSError(f"{self.target} wrote {', '.join(found[:5])}")

    def close(self) -> None:
        """End the process and remove the container."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._log.close()
        tools.buildah("rm", self.container)


@contextlib.contextmanager
def running(target: str, shared: Path) -> Iterator[Running]:
    """An image that runs and is healthy."""
    begun = time.monotonic()
    image = Running(target, shared)
    try:
        image.wait()
        print(f"{target} healthy after {time.monotonic() - begun:.1f} s")
        user = image.ask(["id", "-u"]).stdout.strip()
        torch = image.ask(["python", "-c", "import torch"]).returncode == 0
        print(f"{target}: user {user}, torch {'there' if torch else 'not there'}")
        yield image
        image.check_root()
    finally:
        image.close()


def _timed(what: str, do: Callable[[], object]) -> None:
    begun = time.monotonic()
    do()
    print(f"{what}: {time.monotonic() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
