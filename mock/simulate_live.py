"""Send real HTTP requests to an API: `python mock/simulate_live.py --api_url … --n …`.

Also `python -m mock.simulate_live`; with `--service` it is the sample's traffic.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):
    # Run as a file, Python puts this folder on the path instead of the repository's root.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from mock.traffic.command import main, simulate_job

__all__ = ["main", "simulate_job"]

if __name__ == "__main__":
    raise SystemExit(main())
