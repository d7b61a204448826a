"""Deployment settings with secrets hidden, the doctor's findings, and versions."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

import pandas as pd
import streamlit as st
from msgspec import structs
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from dashboard import data
from engine.doctor import examine
from engine.secret import Secret
from engine.settings import Settings

PACKAGES = ("streamlit", "altair", "SQLAlchemy", "torch", "numpy", "pandas", "pyarrow")
SIGNS = {"ok": ":material/check_circle:", "warn": ":material/warning:", "fail": ":material/error:"}
COLOURS = {"ok": "green", "warn": "orange", "fail": "red"}


def shown(value: object) -> str:
    """A setting as text without its secrets."""
    if isinstance(value, Secret):
        return "(hidden)" if value.reveal() else ""
    text = "" if value is None else str(value)
    if "://" in text:
        try:
            return make_url(text).render_as_string(hide_password=True)
        except ArgumentError:
            return "(hidden: not a URL)"
    return text


def rows(settings: Settings) -> pd.DataFrame:
    """Setting, value, whether it stands at its default."""
    listed: list[dict[str, Any]] = []
    for field in structs.fields(settings):
        value = getattr(settings, field.name)
        changed = value != field.default
        listed.append({"setting": field.encode_name, "value": shown(value), "set": changed})
    return pd.DataFrame(listed)


def settings() -> None:
    """The table; changes go into `.env` and need a new start."""
    found = data.settings()
    st.caption("Read once at the start from the environment and `.env`; see `.env.example`.")
    st.dataframe(
        rows(found),
        hide_index=True,
        key="system-settings",
        height=460,
        alt="Deployment settings, secrets hidden",
        column_config={
            "setting": "Setting",
            "value": st.column_config.TextColumn("Value", width="large"),
            "set": "Changed",
        },
    )
    st.caption(f"Store: `{found.database_url.render_as_string(hide_password=True)}`")


@st.cache_data(ttl=60, show_spinner="Checking …", max_entries=1)
def findings() -> list[tuple[str, str, str, str]]:
    """What the doctor finds: verdict, check, found, advice."""
    return [(f.verdict, f.check, f.found, f.advice) for f in examine(data.settings())]


def doctor() -> None:
    """One line a check, with what to do where something is wrong."""
    lines = ["| | Check | Found | What to do |", "|:--|:--|:--|:--|"]
    for verdict, check, found, advice in findings():
        sign = f":{COLOURS[verdict]}[{SIGNS[verdict]}]"
        cells = (part.replace("|", "\\|").replace("\n", " ") for part in (check, found, advice))
        lines.append(f"| {sign} | {' | '.join(cells)} |")
    st.markdown("\n".join(lines))


def versions() -> None:
    """Python, this program and what it stands on."""
    listed = [("Python", platform.python_version()), ("Machine", platform.platform())]
    listed += [(name, importlib.metadata.version(name)) for name in PACKAGES]
    st.dataframe(
        pd.DataFrame(listed, columns=["what", "version"]),
        hide_index=True,
        key="system-versions",
        alt="Versions in use",
    )
