"""The app's script: menu, shared controls, and the chosen page."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # Streamlit puts only this file's folder on the path
    sys.path.insert(0, str(ROOT))

from dashboard.navigation import PAGES  # noqa: E402
from dashboard.parts.shell import header  # noqa: E402
from dashboard.parts.states import faults_shown  # noqa: E402

HERE = Path(__file__).resolve().parent
st.set_page_config(page_title="Cachescope", page_icon=str(HERE / "icon.svg"), layout="wide")
st.logo(str(HERE / "logo.svg"), icon_image=str(HERE / "icon.svg"))

menu: dict[str, list[object]] = {}
for row in PAGES:
    page = st.Page(
        f"views/{row.file}.py",
        title=row.title,
        icon=row.icon,
        url_path=row.file,
        default=row is PAGES[0],
        help=row.question,
    )
    menu.setdefault(row.section, []).append(page)
chosen = st.navigation(menu)  # type: ignore[arg-type]
shown = next(row for row in PAGES if row.title == chosen.title)
header(chosen.title, chosen.icon, shown.timed)
with faults_shown():
    chosen.run()
