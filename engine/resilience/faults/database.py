"""`python -m engine.resilience.faults.database`: a database server that belongs to one test.

Only such a server is ever killed by a test. It lives in the process group of this service, so that
whatever ends this process ends it too.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from engine.resilience.child import Child

LOOK_S = 0.05
SERVER, INSTALLER = "mariadbd", "mariadb-install-db"
PATHS = os.defpath + ":/usr/sbin:/usr/local/sbin"


def binaries() -> tuple[str, str] | None:
    """Server and installer; None where this machine has none."""
    found = [shutil.which(name) or shutil.which(name, path=PATHS) for name in (SERVER, INSTALLER)]
    return (found[0], found[1]) if found[0] and found[1] else None


def data_of(folder: Path) -> Path:
    """Where the server of a run keeps its files."""
    return folder / "database"


def socket_of(folder: Path) -> Path:
    """Where it listens."""
    return data_of(folder) / "s"


def install(folder: Path) -> None:
    """Make an empty database server in the folder of a run."""
    found = binaries()
    assert found is not None  # noqa: S101 - asked before
    subprocess.run(
        [found[1], "--no-defaults", f"--datadir={data_of(folder)}", "--skip-test-db",
         "--auth-root-authentication-method=normal", *_as_root()],
        check=True,
        capture_output=True,
    )  # fmt: skip


def _as_root() -> list[str]:
    return ["--user=root"] if os.getuid() == 0 else []


def main() -> int:
    """Run the server until told to stop; its own end is ours."""
    child = Child("database")
    found = binaries()
    if found is None:
        sys.stderr.write("There is no mariadbd on this machine.\n")
        return 2
    where = socket_of(child.folder)
    server = subprocess.Popen(
        [found[0], "--no-defaults", f"--datadir={data_of(child.folder)}", f"--socket={where}",
         "--skip-networking", "--innodb-buffer-pool-size=16M", *_as_root()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    ready = False
    while not child.stopping and server.poll() is None:
        child.lifeline.beat()
        if not ready and _answers(where):
            ready = True
            child.lifeline.ready()
        child.lifeline.wait(LOOK_S)
    server.terminate()
    server.wait()
    return 0 if child.stopping else 1


def _answers(where: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(where)) == 0


if __name__ == "__main__":
    sys.exit(main())
