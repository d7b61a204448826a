"""`python serving.py FOLDER`: whether an export decides here as where it was made."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.export.serving.errors import ServingError
from engine.export.serving.policy import Policy
from engine.export.serving.replay import replay_golden


def main(arguments: list[str] | None = None) -> int:
    """Check an export; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    folder = Path(given[0]) if given else Path(__file__).resolve().parent
    try:
        policy = Policy(folder)
        compared = policy.self_test()
        replayed = replay_golden(policy)
    except ServingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{compared} golden decisions and {replayed} replayed requests are equal.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
