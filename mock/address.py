"""Where the sample origin listens: a small file in the run folder, readable by its owner only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from engine.settings import Settings


def _file(settings: Settings) -> Path:
    return settings.run_path / "origin.url"


def publish_origin(settings: Settings, address: str) -> None:
    """Write the address for the traffic and the pages to find."""
    settings.run_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = settings.run_path / f"origin.url.{os.getpid()}"
    fresh.touch(mode=0o600)
    fresh.write_text(address, encoding="ascii")
    fresh.replace(_file(settings))


def forget_origin(settings: Settings, address: str) -> None:
    """Remove the address if it is still ours."""
    with contextlib.suppress(OSError):
        if _file(settings).read_text(encoding="ascii") == address:
            _file(settings).unlink()


def is_the_sample(url: str, settings: Settings) -> bool:
    """Whether a request there reaches our own sample, though it may run on its own elsewhere."""
    return bool(settings.sample_address) and url.rstrip("/") == settings.sample_address


def origin_address(settings: Settings) -> str:
    """The origin's address: the set one, the published one, else the setting's port."""
    if settings.sample_address:
        return settings.sample_address
    with contextlib.suppress(OSError):
        return _file(settings).read_text(encoding="ascii")
    return f"http://127.0.0.1:{settings.origin_port}"
