"""Lines of access logs for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

START = 1_700_000_000


def line(number: int, url: str = "", *, load_s: float = 0.05, method: str = "GET") -> str:
    """One line of nginx's combined form with a request time behind it; a second apart."""
    at = datetime.fromtimestamp(START + number, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    url = url or f"/items/{number}?page={number % 3}"
    return (
        f'10.0.0.1 - - [{at}] "{method} {url} HTTP/1.1" 200 {100 + number} '
        f'"-" "curl/8 \\"x\\"" {load_s:.3f}'
    )


def append(path: Path, *lines: str, end: str = "\n") -> None:
    """Write lines behind what a log holds."""
    with path.open("a") as file:
        file.write("\n".join(lines) + end)
