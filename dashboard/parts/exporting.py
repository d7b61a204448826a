"""Downloads of what a page shows; nothing is prepared until someone presses."""

from __future__ import annotations

import io
from collections.abc import Callable

import pandas as pd
import streamlit as st

from engine.spreadsheet import defused as cell

EPOCHS = frozenset({"at", "timestamp", "valid_from", "valid_until", "created_at"})
"""Columns that hold seconds since the epoch."""


def defused(frame: pd.DataFrame) -> pd.DataFrame:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe."""
    safe = frame.copy()
    for name in safe.columns:
        if pd.api.types.is_numeric_dtype(safe[name]) or pd.api.types.is_datetime64_any_dtype(
            safe[name]
        ):
            continue
        safe[name] = safe[name].map(cell)
    return safe.rename(columns=cell)


def timed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an ISO time (UTC) beside every column of seconds since the epoch."""
    told = frame.copy()
    for name in [str(name) for name in frame.columns if name in EPOCHS]:
        if not pd.api.types.is_numeric_dtype(told[name]):
            continue
        moments = pd.to_datetime(told[name].astype("float64").round(3), unit="s", utc=True)
        iso = moments.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, 23) + "Z"
        told.insert(
            list(told.columns).index(name) + 1, f"{name}_iso", iso.where(moments.notna(), "")
        )
    return told


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """The frame as CSV in UTF-8, safe to open in a spreadsheet."""
    return defused(frame).to_csv(index=False).encode()


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """The frame as Parquet; mixed columns become text."""
    plain = frame.copy()
    for name in plain.columns:
        if plain[name].dtype == object:
            plain[name] = plain[name].map(lambda value: value if value is None else str(value))
    target = io.BytesIO()
    plain.to_parquet(target, index=False)
    return target.getvalue()


def downloads(
    name: str, read: Callable[[], pd.DataFrame], what: str = "what this page shows"
) -> None:
    """Two buttons, CSV and Parquet, for the frame that `read` gives when pressed."""
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            data=lambda: csv_bytes(timed(read())),
            file_name=f"{name}.csv",
            mime="text/csv",
            key=f"{name}-csv",
            icon=":material/download:",
            on_click="ignore",
            help=f"Download {what} as CSV",
        )
        st.download_button(
            "Parquet",
            data=lambda: parquet_bytes(timed(read())),
            file_name=f"{name}.parquet",
            mime="application/vnd.apache.parquet",
            key=f"{name}-parquet",
            icon=":material/download:",
            on_click="ignore",
            help=f"Download {what} as Parquet",
        )
