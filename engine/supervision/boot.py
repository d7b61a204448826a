"""The first breath of a child: watch for the end of its parent before its long imports begin.

`python -m engine.supervision.boot FD MODULE …` runs MODULE as `python -m MODULE …` would. An
orphan that is still importing torch has no lifeline yet, and would outlive its engine by seconds.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time

from engine.lifeline import ORPHAN_GRACE_S


def _watch(parent: int) -> None:
    """Wait for the parent's end; the module's own lifeline then has its grace to flush."""
    os.read(parent, 1)
    time.sleep(ORPHAN_GRACE_S)
    os._exit(70)


def main() -> None:
    """Watch, then become the module."""
    parent, module = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
