"""`python -m engine.resilience.faults.crasher`: works until the file `broken` is there."""

from __future__ import annotations

import sys

from engine.resilience.child import Child

LOOK_S = 0.05
CODE = 3


def main() -> int:
    """Wait for the file, then end as a broken service does, at every start anew."""
    child = Child("crasher")
    file = child.folder / "broken"
    if file.exists():
        sys.stderr.write("The test broke this service.\n")
        return CODE
    child.lifeline.ready()
    while not child.stopping:
        child.lifeline.beat()
        if file.exists():
            return CODE
        child.lifeline.wait(LOOK_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
