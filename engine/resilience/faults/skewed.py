"""`python -m engine.resilience.faults.skewed FILE MODULE …`: MODULE under a wall clock that jumps.

The seconds in FILE are added to what `time.time` says; the monotonic clock stays what it is, as on
a machine whose clock is set.
"""

from __future__ import annotations

import contextlib
import runpy
import sys
import threading
import time
from pathlib import Path

LOOK_S = 0.05

_true_time = time.time
_offset = 0.0


def _skewed() -> float:
    return _true_time() + _offset


def _follow(file: Path) -> None:
    global _offset  # noqa: PLW0603 - a clock is global
    while True:
        with contextlib.suppress(OSError, ValueError):
            _offset = float(file.read_text())
        time.sleep(LOOK_S)


def main() -> None:
    """Follow the file, then become the module."""
    file, module = Path(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_follow, args=(file,), daemon=True).start()
    time.time = _skewed
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
