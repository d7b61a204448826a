"""buildah by hand, where no container engine runs: Debian's package, without a daemon.

`apt-get install buildah debootstrap`; everything runs as root, isolated by chroot alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ENVIRONMENT = {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}
TOOLS = ("buildah", "debootstrap", "tar")
BASE = "localhost/cachescope-base"
SUITE = "bookworm"
PACKAGES = "ca-certificates,python3,python3-venv"

_FILE = re.compile(r"(?:^|\s|file://)(/[^/\s]\S*)")


def missing() -> list[str]:
    """The tools that are not here."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def buildah(*words: str, input_text: str | None = None, timeout_s: float = 1800) -> str:
    """Run one buildah command; returns what it printed.

    Raises:
        RuntimeError: it failed; the message is the end of its output.
    """
    done = subprocess.run(
        ["buildah", *words],
        env={**os.environ, **ENVIRONMENT},
        input=input_text,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"buildah {words[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout.strip()


def has_image(name: str) -> bool:
    """Whether an image of that name is here."""
    return name in buildah("images", "--format", "{{.Name}}").split()


def make_base(folder: Path, mirror: str = "http://deb.debian.org/debian") -> str:
    """A Debian with a Python in it, made with debootstrap; returns the image's name."""
    root, archive = folder / "base", folder / "base.tar"
    if not root.exists():
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, root, mirror],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    # An archive, because a folder's device files cannot be copied.
    without = ["--exclude=./dev/*", "--exclude=./var/cache/apt/*", "--exclude=./proc/*"]
    subprocess.run(["tar", "-C", root, *without, "-cf", archive, "."], check=True)
    container = buildah("from", "scratch")
    buildah("add", "-q", container, str(archive), "/")
    buildah("commit", "-q", "--rm", container, BASE)
    archive.unlink()
    return BASE


def pip_configuration() -> tuple[str, list[str]]:
    """This machine's pip configuration as a file's text, and the paths on disk that it names."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    settings: dict[str, str] = {}
    for line in listed:
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = value.strip("'\"").replace("\\n", " ")
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "CONSTRAINT"):
        if f"PIP_{name}" in os.environ:
            settings[name.lower().replace("_", "-")] = os.environ[f"PIP_{name}"]
    text = "[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())
    # An index on disk ("simple") links to files beside it.
    named = [path for value in settings.values() for path in _FILE.findall(value)]
    paths = {path.removesuffix("/simple") for path in named}
    return text, sorted(path for path in paths if Path(path).exists())


def build(target: str, folder: Path, root: Path, arguments: Sequence[str] = ()) -> str:
    """Build one target of the Dockerfile on our base; returns the image's name."""
    text, paths = pip_configuration()
    secret = folder / "pip.conf"
    secret.write_text(text)
    # Read-only copies of the very paths, so that the configuration means the same inside.
    mounts = [word for path in paths for word in ("--volume", f"{path}:{path}:ro")]
    name = f"localhost/cachescope-{target}"
    buildah(
        *("bud", "--quiet", "--format", "docker", "--layers", "--target", target, "--tag", name),
        *("--build-arg", f"BASE={BASE}", "--secret", f"id=pip,src={secret}"),
        *mounts,
        *arguments,
        str(root),
    )
    return name
