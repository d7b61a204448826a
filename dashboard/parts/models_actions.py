"""What can be done with a model: promote, roll back, delete, evaluate, export."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import client, data, stored
from dashboard.parts import jobs, operating, telling
from dashboard.parts.services import cell
from engine.actions import models as model_actions
from engine.models.aliases import ALIASES

KINDS = ["evaluate", "export", "steps"]
EVALUATE, EXPORT = "model-evaluate-form", "model-export-form"
"""Slots: whether a form is open."""


def buttons(row: stored.Row) -> None:
    """One line of buttons for the chosen model."""
    number = int(row["id"])
    with st.container(horizontal=True, vertical_alignment="center"):
        _evaluate(number)
        _export(row)
        for alias in ALIASES:
            if operating.button(
                f"Make it {alias}",
                key=f"model-promote-{alias}",
                icon=":material/emoji_events:" if alias == ALIASES[0] else ":material/swords:",
                disabled=alias in row["aliases"],
                help=f"It is the {alias} already" if alias in row["aliases"] else _MEANS[alias],
            ):
                _promote(number, alias)
        if operating.button(
            "Roll back …", key="model-roll-back", icon=":material/undo:", help=_BACK
        ):
            _roll_back()
        held = " and ".join(row["aliases"])
        if operating.button(
            "Delete …",
            key="model-delete",
            icon=":material/delete:",
            disabled=bool(held),
            help=f"It is the {held}; promote another one first" if held else None,
        ):
            _delete(number, str(row["name"]))
        jobs.cancel_buttons(KINDS)


_MEANS = {
    "champion": "The champion is what the live loop runs where it is told to follow a model",
    "challenger": "The challenger runs in shadow beside the champion where the live loop does so",
}
_BACK = "Give an alias back to the model that had it before"


def _evaluate(number: int) -> None:
    slot: Any = {"key": EVALUATE, "on_change": "rerun"}
    busy = bool(jobs.alive(["evaluate"]))
    with st.popover("Evaluate …", icon=":material/gavel:", **slot):
        st.markdown(
            "Judge it, with the other seeds of its training, beside every classic and the optimum "
            "on the newest half of its requests, which it has never seen."
        )
        text = st.text_input(
            "Cache sizes",
            key="model-sizes",
            placeholder="its own and 10",
            help="Such as 10, 500, 1%; separated by commas",
        )
        sizes = [part.strip() for part in text.split(",") if part.strip()]
        params = {"model": number, **({"sizes": sizes} if sizes else {})}
        pressed: Any = {"on_click": _launch, "args": (EVALUATE, "evaluate", params)}
        operating.button("Evaluate", type="primary", key="model-evaluate", disabled=busy, **pressed)


def _export(row: stored.Row) -> None:
    slot: Any = {"key": EXPORT, "on_change": "rerun"}
    number = int(row["id"])
    with st.popover("Export …", icon=":material/ios_share:", **slot):
        st.markdown(
            "TorchScript, ONNX, safetensors, metadata and one serving file, verified by clean "
            "processes, into a folder under the exports root and a zip beside it."
        )
        folder = st.text_input("Folder", f"model-{number}", key=f"model-folder-{number}")
        params = {"model": number, "output_dir": folder.strip()}
        pressed: Any = {"on_click": _launch, "args": (EXPORT, "export", params)}
        operating.button(
            "Export", type="primary", key="model-export", disabled=not folder, **pressed
        )


def _launch(slot: str, kind: str, params: dict[str, Any]) -> None:
    """Start the job; its form closes, so that it does not hide the job's progress."""
    if jobs.start(kind, params):
        st.session_state[slot] = False


def _promote(number: int, alias: str) -> None:
    outcome = stored.ask(
        model_actions.promote_model, number, alias, "", client.who(), data.settings()
    )
    telling.keep(outcome, f"Model {number} is the {alias} now")
    st.rerun()


@st.dialog("Roll back an alias?")
def _roll_back() -> None:
    alias = st.radio("Alias", ALIASES, key="model-roll-back-alias", horizontal=True)
    st.markdown(f"The **{alias}** becomes the model again that it was before; nothing is deleted.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="model-roll-back-no"):
            st.rerun()
        pressed: Any = {"on_click": _rolled_back, "args": (str(alias),)}
        if operating.button("Roll back", type="primary", key="model-roll-back-yes", **pressed):
            st.rerun()


def _rolled_back(alias: str) -> None:
    outcome = stored.ask(model_actions.roll_back_model, alias, "", client.who(), data.settings())
    telling.keep(outcome, f"Model {outcome.value} is the {alias} again")


@st.dialog("Delete this model?")
def _delete(number: int, name: str) -> None:
    st.markdown(
        f"Model **{number}** ({cell(name)}) and its files go; exports of it stay. Its number is "
        "never given again."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="model-delete-no"):
            st.rerun()
        pressed: Any = {"on_click": _deleted, "args": (number,)}
        if operating.button("Delete", type="primary", key="model-delete-yes", **pressed):
            st.rerun()


def _deleted(number: int) -> None:
    outcome = stored.ask(model_actions.delete_model, number, client.who(), data.settings())
    telling.keep(outcome, f"Model {number} is deleted")


def exported(row: stored.Row) -> None:
    """Where the newest export lies, with its zip to take away."""
    export = (row["artefacts"] or {}).get("export") or {}
    if not export:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        path = stored.export_file(str(export["archive"]))
        if path is None:
            st.caption("The exported zip is no longer there; export it again.")
            return
        st.download_button(
            "Download the export",
            data=path.read_bytes,
            file_name=path.name,
            mime="application/zip",
            key="model-zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )
        st.caption(f"{cell(stored.within_data(path))} · {cell(str(export['verified']))}")
