"""compose's services as processes: its commands, in its own environment, on folders of a test."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import URL

from engine.settings import ROOT
from tests.browser.app import free_port

COMPOSE = ROOT / "compose.yaml"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
TOKEN = "secret" * 6
"""What every variable holds that compose wants to be set."""

VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def composed() -> dict[str, Any]:
    """compose.yaml with its anchors resolved."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return read


def default(value: str) -> str:
    """What compose makes of a value when nothing is set; a needed one is given."""
    return VARIABLE.sub(lambda m: m[3] if m[2] == "-" else TOKEN, value)


def instructions(target: str) -> list[str]:
    """The instructions of one stage of the Dockerfile, continuations joined."""
    stages = re.split(r"^FROM ", DOCKERFILE.replace("\\\n", " "), flags=re.MULTILINE)[1:]
    stage = next(s for s in stages if s.splitlines()[0].endswith(f" AS {target}"))
    return [line.strip() for line in stage.splitlines() if line.strip()]


def command(service: str) -> list[str]:
    """What the service runs: compose's own command, else its image's."""
    known = composed()["services"][service]
    if "command" in known:
        return list(known["command"])
    lines = instructions(known["image"].removeprefix("cachescope-"))
    (told,) = (line.removeprefix("CMD ") for line in lines if line.startswith("CMD "))
    return list(json.loads(told))


@dataclass
class Demo:
    """The demo on one folder and database; ports of this machine stand for compose's network."""

    url: URL
    folder: Path
    page: int = field(default_factory=free_port)
    origin: int = field(default_factory=free_port)
    further: Mapping[str, str] = field(default_factory=dict)
    """What a person sets beside it, by the settings' own names."""

    def environment(self, service: str) -> dict[str, str]:
        """What compose and the image give the service, but for addresses and folders."""
        services = composed()["services"]
        given = {name: default(value) for name, value in services[service]["environment"].items()}
        given |= {"DB_HOST": str(self.url.host), "DB_PORT": str(self.url.port)}
        given |= {"DB_NAME": str(self.url.database), "DB_USER": str(self.url.username)}
        given |= {
            "DB_PASSWORD": str(self.url.password or ""),
            "CACHESCOPE_DATA_DIR": str(self.folder / "data"),
            "CACHESCOPE_LOG_DIR": str(self.folder / "logs"),
            "CACHESCOPE_API_PORT": "0",
            "CACHESCOPE_ORIGIN_PORT": str(self.origin),
            "CACHESCOPE_SAMPLE_ADDRESS": f"http://127.0.0.1:{self.origin}",
        }
        if service == "dashboard":
            given |= {"CACHESCOPE_ATTACH_ONLY": "true", "STREAMLIT_SERVER_PORT": str(self.page)}
            given |= {"STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none"}
        return given | dict(self.further)

    @contextlib.contextmanager
    def started(self, *services: str) -> Iterator[None]:
        """These services, in this order, until the end."""
        with contextlib.ExitStack() as ends:
            for service in services:
                ends.enter_context(started(command(service), self.environment(service)))
            yield

    def api(self) -> str:
        """Where the engine's API listens; empty while it does not."""
        told = self.folder / "data" / "engine.json"
        if not told.exists():
            return ""
        return f"http://127.0.0.1:{json.loads(told.read_text())['api_port']}"


@contextlib.contextmanager
def started(
    words: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A command of an image, with this machine's Python, until the end."""
    programs = {"python": [sys.executable], "streamlit": [sys.executable, "-m", "streamlit"]}
    process = subprocess.Popen(
        [*programs[words[0]], *words[1:]],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
