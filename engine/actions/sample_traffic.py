"""Synthetic history and traffic: started, stopped, looked at. Beside an own source only if sure."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from engine.actions.job_rows import cancel_job, jobs, start_job
from engine.actions.services import status
from engine.addresses import is_loopback
from engine.errors import ControlError, JobError
from engine.records import JobState
from engine.settings import Settings

ALIVE = (JobState.QUEUED, JobState.RUNNING)


def seed(params: Mapping[str, Any], sure: bool, who: str, settings: Settings) -> str:
    """Write the sample's tables and a history as a job; returns its id.

    Raises:
        JobError: this engine follows an own source and nobody said to be sure.
        ControlError: no engine runs.
    """
    _confirm(sure, settings, "sure=true writes synthetic rows to the source 'seeded'")
    return start_job("seed", params, who, settings)


def start_simulation(params: Mapping[str, Any], sure: bool, who: str, settings: Settings) -> str:
    """Send synthetic requests as a job; returns its id.

    Raises:
        JobError: as `seed`, or no address is known to send them to, or one of another machine.
        ControlError: no engine runs.
    """
    _confirm(sure, settings, "sure=true sends synthetic requests to the address you give")
    wanted = dict(params)
    if not wanted.get("api_url"):
        if not settings.sample_enabled:
            raise JobError("No sample origin runs here; give api_url, the address of your API.")
        port = status(settings)["engine"].get("origin_port") or settings.origin_port
        wanted["api_url"] = settings.sample_address or f"http://127.0.0.1:{port}"
    _check_address(str(wanted["api_url"]), settings)
    return start_job("simulate", wanted, who, settings)


def stop_simulation(who: str, settings: Settings) -> list[str]:
    """Ask every running simulation to end; returns the ids of those asked."""
    asked = []
    for job in _running(settings):
        with contextlib.suppress(JobError, ControlError):  # it may end by itself this moment
            cancel_job(job["id"], who, settings)
            asked.append(str(job["id"]))
    return asked


def simulation(settings: Settings) -> dict[str, Any]:
    """The simulations that run, and the state of the sample's own traffic.

    Raises:
        ControlError: no engine runs.
    """
    found = {one["name"]: one["state"] for one in status(settings)["services"]}
    return {"traffic": found.get("traffic", "absent"), "jobs": _running(settings)}


def _running(settings: Settings) -> list[dict[str, Any]]:
    return [
        job for job in jobs(1000, settings) if job["kind"] == "simulate" and job["state"] in ALIVE
    ]


def _check_address(url: str, settings: Settings) -> None:
    """Refuse to send load to another machine, but for a sample that runs there."""
    try:
        host = urlsplit(url if "://" in url else f"http://{url}").hostname or ""
    except ValueError:
        host = ""
    if not host:
        raise JobError(f"{url!r} is no address; write it as http://127.0.0.1:8001.")
    if url.rstrip("/") != settings.sample_address and not is_loopback(host):
        raise JobError(
            f"{url!r} is on another machine; give one on this machine, or send load there by "
            "`python mock/simulate_live.py --allow-remote`, if it is yours."
        )


def _confirm(sure: bool, settings: Settings, what: str) -> None:
    own = bool(settings.source_url or settings.source_log) or not settings.sample_enabled
    if own and not sure:
        raise JobError(f"This engine follows your own source; {what}.")
