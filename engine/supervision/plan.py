"""What a supervisor is told before it starts: a plan in plain values that travels as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.services import Service


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a service listens on; `setting` is the variable that tells a child its number."""

    host: str
    wanted: int
    setting: str


@dataclass(frozen=True, slots=True)
class Limits:
    """When a failing service is started again, and when no more.

    The first restart within `window_s` comes at once, since a pause would be most of what a crash
    costs; then the pauses are backoff_s, twice that and so on, at most backoff_max_s. After
    `starts` starts within `window_s` the service is failed.
    """

    backoff_s: float = 0.2
    backoff_max_s: float = 5.0
    starts: int = 5
    window_s: float = 30.0
    needs_s: float = 10.0
    """How long a start waits for services it needs that have no process; one that is starting is
    waited for until it is ready or killed."""
    orphan_s: float = 1.4
    """How long everything may take to end when the owner has gone, before it is killed."""
    cancel_s: float = 10.0
    """How long a job that was asked to end may take before it is killed."""
    log_bytes: int = 5_000_000
    log_files: int = 3
    job_logs: int = 100
    """Logs of how many jobs are kept."""

    def pause_s(self, recent: int) -> float:
        """The pause before the next start, given how many there were within `window_s`."""
        return min(self.backoff_s * 2 ** (recent - 2), self.backoff_max_s) if recent > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Folders, owner, ports and services of one engine."""

    data_path: Path
    log_path: Path
    run_path: Path
    owner: str
    services: tuple[Service, ...]
    ports: dict[str, Port] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    job_module: str = "engine.jobs"
    jobs: tuple[tuple[str, str], ...] = ()
    """Ids and kinds of the jobs to go on with at the start."""

    @property
    def run_file(self) -> Path:
        """Where pid, owner and ports of the running engine are written (mode 0600)."""
        return self.data_path / "engine.json"

    @property
    def socket(self) -> Path:
        """The control socket."""
        return self.run_path / "control"

    def to_json(self) -> str:
        """The plan as JSON."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that `to_json` wrote."""
        raw: dict[str, Any] = json.loads(text)
        services = tuple(
            Service(**{**s, "arguments": tuple(s["arguments"]), "needs": tuple(s["needs"])})
            for s in raw["services"]
        )
        return cls(
            data_path=Path(raw["data_path"]),
            log_path=Path(raw["log_path"]),
            run_path=Path(raw["run_path"]),
            owner=raw["owner"],
            services=services,
            ports={name: Port(**port) for name, port in raw["ports"].items()},
            limits=Limits(**raw["limits"]),
            job_module=raw["job_module"],
            jobs=tuple((run, kind) for run, kind in raw["jobs"]),
        )
