"""Making a trace of recorded requests: from a source, a file on this machine, or an upload."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from dashboard import client, data, stored
from dashboard.client import Outcome
from dashboard.parts import import_preview, jobs, operating
from engine.actions import traces as trace_actions
from engine.actions.traces import Wanted
from engine.actions.uploads import keep_upload
from engine.traces import READERS

KINDS = ["import"]
OPEN, SEEN = "adding-data", "adding-data-seen"
"""Slots: whether the form is open, and what was looked at last."""

RECORDED, FILE, TABLE, UPLOAD = "Recorded requests", "File on this machine", "Table", "Upload"
UNITS = {"": "as the data say", "s": "seconds", "ms": "milliseconds", "us": "microseconds"}
KEPT_UPLOADS = 5


def form(expanded: bool) -> None:
    """An expander with the form; what it reads becomes a stored trace by a job."""
    slot: Any = {"key": OPEN, "on_change": "rerun"}
    with st.expander("Add data", expanded, icon=":material/upload_file:", **slot) as box:
        if not box.open:
            return
        st.markdown(
            "Requests that your system recorded become a **trace**: read once, replayed as often "
            "as you like. Nothing is written where they come from, and secrets in URLs are masked."
        )
        ways = [RECORDED, FILE, TABLE, UPLOAD]
        way = st.segmented_control("From", ways, default=RECORDED, required=True, key="add-from")
        where = _where(str(way))
        fields = where | _options(str(way))
        _buttons(fields, ready=any(where.values()))
        _seen()


def _where(way: str) -> dict[str, Any]:
    if way == RECORDED:
        names = stored.sources()
        if not names:
            st.caption("No request has been recorded yet; **Start the engine** on the Overview.")
            return {"source": ""}
        words = "Requests of the sample, of your own system, or of a written history"
        return {"source": st.selectbox("Source", names, key="add-source", width=320, help=words)}
    if way == FILE:
        path = st.text_input(
            "Path",
            key="add-file",
            placeholder="/var/log/nginx/access.log",
            help="On the machine where the engine runs; .gz, .xz, .zst and .bz2 are unpacked",
        )
        return {"file": path.strip()}
    if way == TABLE:
        words = "In the database of SOURCE_URL, else in our own store; only read"
        return {"table": st.text_input("Table", key="add-table", help=words).strip()}
    locked: Any = {"help": "Log, CSV, Parquet or trace"} | operating.locked()
    given: Any = st.file_uploader("File", key="add-upload", **locked)
    return {"file": _uploaded(given.name, given.getbuffer()) if given else ""}


def _options(way: str) -> dict[str, Any]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name of the trace", key="add-name", placeholder="after where it comes from", width=220
        )
        kinds = {"": "as it looks", **{kind: kind for kind in READERS}}
        read_as = ""
        if way in (FILE, UPLOAD):
            read_as = st.selectbox(
                "Format", list(kinds), key="add-format", width=170, format_func=kinds.__getitem__
            )
        unit = st.selectbox(
            "Load times in", list(UNITS), key="add-unit", width=170, format_func=UNITS.__getitem__
        )
        mapping = st.text_input(
            "Columns, ours=theirs",
            key="add-mapping",
            placeholder="cache_key=url,load_time_ms=ms",
            width=280,
            help="Where names do not tell: timestamp, cache_key, cache_name, hit, load_time_ms, "
            "size_bytes, method",
        )
    with st.container(horizontal=True):
        hashed = st.toggle("Keep digests in place of keys", key="add-hash")
        modelled = st.toggle(
            "Model the load times",
            key="add-model",
            help="Where none were recorded; whatever rests on them is labelled as modelled",
        )
        replace = st.toggle("Replace a trace of that name", key="add-replace")
    return {
        "name": name.strip(), "format": str(read_as), "unit": str(unit), "mapping": mapping.strip(),
        "hash_keys": hashed, "model_cost": modelled, "replace": replace,
    }  # fmt: skip


def _buttons(fields: dict[str, Any], ready: bool) -> None:
    with st.container(horizontal=True):
        if operating.button(
            "Look at it", key="add-look", icon=":material/search:", disabled=not ready
        ):
            with st.spinner("Reading the first requests …", show_time=True):
                wanted = Wanted(**{k: v for k, v in fields.items() if k not in ("name", "replace")})
                st.session_state[SEEN] = client.ask(trace_actions.look_at, wanted)
        pressed: Any = {"on_click": _start, "args": (fields,), "type": "primary"}
        operating.button("Import", key="add-import", disabled=not ready, **pressed)


def _start(fields: dict[str, Any]) -> None:
    """Start the job; the form closes, so that it does not hide the job's progress."""
    if jobs.start("import", {name: value for name, value in fields.items() if value}):
        st.session_state[OPEN] = False
        st.session_state.pop(SEEN, None)


def _seen() -> None:
    outcome = st.session_state.get(SEEN)
    if not isinstance(outcome, Outcome):
        return
    if outcome.done:
        import_preview.shown(outcome.value)
    else:
        st.error(outcome.sentence, title="This cannot be read", icon=":material/error:")


def _uploaded(name: str, content: memoryview) -> str:
    """Where an upload lies for the import, the newest few stay; empty where it is refused."""
    folder = data.settings().data_path / "uploads"
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "upload"
    path = folder / plain
    if not path.is_file() or path.stat().st_size != len(content):
        outcome = client.ask(keep_upload, plain, content, client.who(), data.settings())
        if not outcome.done:
            st.error(outcome.sentence, icon=":material/error:")
            return ""
    for old in sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime)[:-KEPT_UPLOADS]:
        old.unlink(missing_ok=True)
    return str(path)
