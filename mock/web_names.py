"""The name by which the sample origin's `/health` is told from other programs."""

from __future__ import annotations

SERVICE_NAME = "cachescope-sample-origin"
