"""What to keep, asked over HTTP: standard library only, so copy it into any program.

decisions = Decisions("http://127.0.0.1:8000")   # the token, where one is wanted: CACHESCOPE_TOKEN
decisions.refresh()                        # every second or so
decisions.ttl("/prices", default=60)       # seconds; 0: do not keep
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import urllib.request

OTHER = "(other)"
"""The decision for every endpoint that has none of its own."""


class Decisions:
    """The decisions in force; without an answer the last ones until they end, then defaults."""

    def __init__(self, api: str, token: str | None = None, timeout_s: float = 1.0) -> None:
        # Not an argument of a command: those stand in the list of processes.
        token = os.environ.get("CACHESCOPE_TOKEN", "") if token is None else token
        self._url = f"{api}/decisions"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout_s = timeout_s
        self._rows: dict[str, dict[str, object]] = {}

    def refresh(self) -> bool:
        """Ask once; False, and nothing forgotten, when nobody answers."""
        with contextlib.suppress(OSError, ValueError):
            request = urllib.request.Request(self._url, headers=self._headers)  # noqa: S310
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:  # noqa: S310
                rows = json.load(answer)["decisions"]
            # The latest of one endpoint counts; they come ordered by their begin.
            self._rows = {row["cache_name"]: row for row in rows}
            return True
        return False

    def endpoints(self) -> list[str]:
        """What there are decisions for."""
        return list(self._rows)

    def ttl(self, endpoint: str, default: float) -> float:
        """How long answers of `endpoint` may be kept, in seconds; 0: not at all."""
        for name in (endpoint, OTHER):
            row = self._rows.get(name)
            if row is not None and float(str(row["valid_until"])) > time.time():
                return 0.0 if row["action"] == "drop" else float(str(row["ttl_seconds"]))
        return default

    def cache_control(self, endpoint: str, default: float) -> str:
        """The `Cache-Control` header that tells browsers, nginx or a CDN the same."""
        seconds = int(self.ttl(endpoint, default))
        return f"public, max-age={seconds}" if seconds else "no-store"


def main() -> None:
    """Print what is decided: `python -m examples.decisions [http://host:port]`."""
    decisions = Decisions(*sys.argv[1:2] or ("http://127.0.0.1:8000",))
    if not decisions.refresh():
        sys.exit("No answer; is the engine up, and CACHESCOPE_TOKEN set where it wants a token?")
    for endpoint in sorted(decisions.endpoints()):
        print(endpoint, decisions.cache_control(endpoint, default=60))  # noqa: T201


if __name__ == "__main__":
    main()
