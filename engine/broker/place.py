"""Where the queue server lives: address, key file and journal folder.

Standard library only, so that the server starts without reading the settings when the supervisor
hands it the three.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import SettingsError

if TYPE_CHECKING:
    from engine.settings import Settings


KEY_BYTES = 32

Address = str | tuple[str, int]
"""A Unix socket's path, or (host, port)."""

LIVE = "predictions"
"""The queue between the forecaster and the agent."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Place:
    """Everything needed to serve or to reach the queue."""

    address: Address
    key_file: Path
    journal: Path


def parse_address(text: str) -> Address:
    """Read `tcp://127.0.0.1:PORT`, `unix:///path` or a path.

    Raises:
        SettingsError: no port, or an address that other machines could reach.
    """
    if not text.startswith("tcp://"):
        return text.removeprefix("unix://")
    host, _, port = text.removeprefix("tcp://").rpartition(":")
    host = host.strip("[]")
    if not port.isdigit() or int(port) > 65535 or not host:
        raise SettingsError(
            f"The queue address {text!r} is not tcp://127.0.0.1:PORT; give a host and a port."
        )
    if not _is_loopback(host):
        raise SettingsError(
            f"The queue address {text!r} can be reached from other machines, and its traffic is "
            "not encrypted; use 127.0.0.1, or the redis backend for more than one machine."
        )
    return (host, int(port))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def place_of(settings: Settings) -> Place:
    """The place that the settings name."""
    address = settings.queue_address
    if address.startswith("redis"):
        raise SettingsError(
            f"CACHESCOPE_QUEUE_ADDRESS is {address!r}, but the queue's backend is the manager; "
            "set CACHESCOPE_QUEUE_BACKEND=redis or give a Unix path or tcp://127.0.0.1:PORT."
        )
    return Place(
        address=parse_address(address or str(settings.run_path / "queue.sock")),
        key_file=settings.data_path / "queue.key",
        journal=settings.data_path / "queue",
    )


def place_from(address: str = "", journal: str = "", key: str = "") -> Place:
    """The place so named; what is empty comes from the settings, read only when needed."""
    if address and journal and key:
        return Place(parse_address(address), Path(key), Path(journal))
    from engine.settings import load_settings

    known = place_of(load_settings())
    return Place(
        parse_address(address) if address else known.address,
        Path(key) if key else known.key_file,
        Path(journal) if journal else known.journal,
    )


def arguments_of(place: Place) -> tuple[str, ...]:
    """What the server is started with to serve `place` without reading the settings."""
    address = place.address
    if not isinstance(address, str):
        host, port = address
        address = f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
    files = ("--journal", str(place.journal), "--key", str(place.key_file))
    return ("--address", address, *files)


def check_name(name: object) -> str:
    """A queue's name: 1 to 64 letters, digits, dots, dashes; raises SettingsError otherwise."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingsError(
            f"The queue name {str(name)[:80]!r} is not allowed; use 1 to 64 letters, digits, '_', "
            "'-' and '.', starting with a letter or digit."
        )
    return name


def check_droppable(name: object) -> str:
    """The name of a queue that may be dropped; raises SettingsError for the live one."""
    name = check_name(name)
    if name == LIVE:
        raise SettingsError(
            f"The queue {LIVE!r} is the live one and cannot be dropped; stop the engine and remove "
            "its journal if it is not needed."
        )
    return name


def read_key(path: Path) -> bytes:
    """The shared key; made once, readable by its owner alone.

    Raises:
        SettingsError: the file is damaged, or others may read it.
    """
    try:
        key, mode = path.read_bytes(), stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return _make_key(path)
    if len(key) != KEY_BYTES:
        raise SettingsError(
            f"The queue's key file {path} holds {len(key)} bytes instead of {KEY_BYTES}; "
            "stop the engine, remove the file and start again."
        )
    if mode & 0o077:
        raise SettingsError(
            f"The queue's key file {path} may be read by others (mode {mode:04o}); "
            "run chmod 600 on it."
        )
    return key


def _make_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        # A link fails when another process was first; then its key is the one.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return read_key(path)


def make_private(folder: Path) -> None:
    """Create `folder` for its owner alone, or refuse one that belongs to somebody else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if folder.is_symlink() or status.st_uid != os.getuid():
        raise SettingsError(f"The folder {folder} belongs to somebody else; remove it.")
    if status.st_mode & 0o077:
        folder.chmod(0o700)


def clear_stale(path: Path) -> None:
    """Remove the socket file of a dead server.

    Raises:
        SettingsError: a live server answers there, or the file is no socket.
    """
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise SettingsError(f"{path} is in the queue's way and is no socket; remove it.")
    except FileNotFoundError:
        return
    probe = socket.socket(socket.AF_UNIX)
    probe.settimeout(1.0)
    try:
        probe.connect(str(path))
    except (ConnectionRefusedError, FileNotFoundError):
        path.unlink(missing_ok=True)
    except OSError:
        raise SettingsError(f"Another queue server is busy on {path}; stop it first.") from None
    else:
        raise SettingsError(f"Another queue server already listens on {path}.")
    finally:
        probe.close()
