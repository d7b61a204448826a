"""Where the product lies."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository's root; relative paths in settings start here, whatever the working folder."""
