"""Launcher: `streamlit run dashboard/Home.py` from the repository's root.

The engine starts (or is found) before the first browser comes, and one that this dashboard
started stops with it; after SIGKILL the engine notices by itself that the dashboard is gone.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # Streamlit puts only this file's folder on the path
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from dashboard.front import middleware  # noqa: E402
from dashboard.lifespan import lifespan, routes  # noqa: E402

app = st.App("main.py", lifespan=lifespan, routes=routes(), middleware=middleware())
