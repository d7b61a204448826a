"""`python -m engine.resilience.faults.spinner`: takes a core while the file `spin` is there."""

from __future__ import annotations

from engine.resilience.child import Child

LOOK_S = 0.05
LAPS = 200_000


def main() -> None:
    """Spin or wait, until told to stop."""
    child = Child("spinner")
    child.lifeline.ready()
    file = child.folder / "spin"
    while not child.stopping:
        child.lifeline.beat()
        if file.exists():
            for _ in range(LAPS):
                pass
        else:
            child.lifeline.wait(LOOK_S)


if __name__ == "__main__":
    main()
