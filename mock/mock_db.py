"""Fill a database: `python mock/mock_db.py --db_type … --host … --user … --database …`.

Also `python -m mock.mock_db`; without options the configured store is filled.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):
    # Run as a file, Python puts this folder on the path instead of the repository's root.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from mock.seeding import main, seed_job

__all__ = ["main", "seed_job"]

if __name__ == "__main__":
    raise SystemExit(main())
