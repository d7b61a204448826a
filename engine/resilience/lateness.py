"""When lateness is the machine's fault: judged against bare starts of Python in the same run.

On a machine that others keep busy a late recovery proves nothing, but only as far as everything is
slow there: a bare start of a Python process is timed during the test, and what is later by more
than a few of those fails all the same.
"""

from __future__ import annotations

import subprocess
import sys
import time

from engine.resilience.facts import Facts
from engine.resilience.findings import Seen, held, unsure
from engine.settings import ROOT

CROWDED = 0.4
"""Share of the machine from which on others' work may excuse what is late."""

STARTS = 4.0
"""How many bare starts later than asked for is still excused then."""

IMPORTS = "engine.broker.server"
"""What the timed process imports: a recovery is a start of this."""


def bare_start(module: str = IMPORTS) -> float:
    """Seconds until a Python process that imports `module` has ended."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", f"import {module}"], cwd=ROOT, check=True)
    return time.monotonic() - begun


def timely(seconds: float, limit: float, facts: Facts, told: str, asked: str) -> Seen:
    """Pass up to the limit, else fail; unknown on a crowded machine as far as that excuses it.

    Args:
        seconds: what was seen.
        limit: what was asked for, s.
        facts: of the run.
        told: what was seen, in words.
        asked: what was asked for, in words.
    """
    start_s = facts.start_s
    if seconds <= limit or facts.crowd <= CROWDED or start_s is None:
        return held(seconds <= limit, told, asked)
    excused = limit + STARTS * start_s
    crowd = f"{told}, while other programs took {facts.crowd:.0%} of the machine"
    if start_s > 0:
        crowd += f": {seconds / start_s:.1f} bare starts of Python, which took {start_s:.3f} s then"
    asked = f"{asked}; unknown up to {excused:.3g} s, which is {STARTS:g} bare starts more"
    return unsure(crowd, asked) if seconds <= excused else held(False, crowd, asked)
