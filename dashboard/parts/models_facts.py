"""Everything known of a model in words, its curves, and what two models differ in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import client, data, stored
from dashboard.charts import trainings
from dashboard.parts import models_table, shell
from dashboard.parts.drawing import chart
from dashboard.parts.services import ago, cell
from dashboard.parts.states import empty
from engine.actions import models as model_actions

WORDS = {
    "name": "Name",
    "algorithm": "Learned by",
    "device": "Trained on device",
    "cache_size": "Cache size",
    "timesteps": "Decisions learned from",
    "feature_columns": "Features",
    "cache_weights": "Weights",
    "hyperparameters": "Hyperparameter",
    "network_architecture": "Network",
    "input_dimension": "Number of features",
    "training_duration_seconds": "Training time (s)",
    "data_digest": "Digest of the requests",
    "evaluation": "Judged",
    "spec": "Set",
    "scores": "score",
    "lifetime": "lifetime (requests)",
}


def words_of(key: str) -> str:
    """A dotted key of a model's row as people read it."""
    head, *rest = key.removeprefix("spec.").split(".")
    first = WORDS.get(head, head.replace("_", " ").capitalize())
    return " · ".join([first, *(WORDS.get(part, part.replace("_", " ")) for part in rest)])


def facts(row: stored.Row) -> None:
    """What the model is and how it came about."""
    spec = row["spec"] or {}
    told = spec.get("data") or {}
    weights = spec.get("cache_weights") or {}
    aim = ", ".join(f"{name} x {weight:g}" for name, weight in weights.items())
    seconds = row["training_duration_seconds"]
    sizes = row["network_architecture"] or {}
    lines = {
        "Environment": spec.get("environment"),
        "Trained on": f"{told.get('name', '-')} (digest {str(row['data_digest'] or '-')[:12]})",
        "Cache": models_table.size_of(row),
        "What counts": aim or spec.get("objective"),
        "Decisions learned from": f"{int(row['timesteps'] or 0):,}",
        "Seed": spec.get("seed"),
        "Device": row["device"],
        "Training time": ago(float(seconds)) if seconds else "-",
        "Networks": ", ".join(f"{n}: {'-'.join(map(str, s))}" for n, s in sizes.items()),
        "Guard": "shadows choose who decides" if spec.get("guard") else "none",
        "Protected window": f"{float(spec.get('window', 0)):.0%} of the cache",
        "Libraries": ", ".join(f"{n} {v}" for n, v in (spec.get("versions") or {}).items()),
    }
    left, right = shell.pair()
    with left:
        shown = [(name, cell(str(value))) for name, value in lines.items()]
        st.table(pd.DataFrame(shown, columns=["What", "Value"]), hide_index=True,
                 border="horizontal", alt="Facts of this model")  # fmt: skip
    with right:
        st.markdown(f"**Features** · {len(row['feature_columns'] or [])}, in the model's order")
        st.caption(cell(", ".join(map(str, row["feature_columns"] or []))))
        st.markdown("**Hyperparameters**")
        pairs = [
            {"Of": name.upper(), "What": key.replace("_", " "), "Value": str(value)}
            for name, given in (row["hyperparameters"] or {}).items()
            for key, value in (given.items() if isinstance(given, Mapping) else [(name, given)])
        ]
        st.dataframe(pd.DataFrame(pairs), hide_index=True, key="model-hyperparameters", height=300,
                     alt="Hyperparameters the model was trained with")  # fmt: skip


def curves(row: stored.Row) -> None:
    """How the model learned, as its row keeps it."""
    outcome = stored.model(int(row["id"]))
    if not outcome.done:
        st.error(outcome.sentence)
        return
    drawn = False
    left, right = shell.pair()
    kept = (("hit_ratio", "hit_rate_history", left), ("reward", "reward_history", right))
    for column, field, place in kept:
        points = pd.DataFrame(outcome.value[field] or [])
        if points.empty:
            continue
        drawn = True
        seed = int((row["spec"] or {}).get("seed", 0))
        frame = points.rename(columns={"value": column}).assign(seed=seed, best=False)
        with place:
            st.markdown(f"**{trainings.CURVES[column][0].partition(' (')[0]}**")
            rows = trainings.curve_rows(frame, column)
            says = f"{trainings.CURVES[column][0]}: last {rows['value'].iloc[-1]:.4g}."
            chart(trainings.plot(rows, column, shell.stored_theme()), f"model-{column}", says)
    if not drawn:
        empty("This model was kept without curves.", height=160, icon="show_chart")


def comparison(row: stored.Row) -> None:
    """What this model and another differ in; nothing else."""
    others = {int(one["id"]): one for one in stored.models() if one["id"] != row["id"]}
    if not others:
        empty("There is no other model. Train one on **Trainer**.", height=160, icon="compare")
        return
    other = st.selectbox(
        "With",
        list(others),
        key="model-other",
        width=520,
        format_func=lambda one: models_table.label(others[one]),
    )
    outcome = client.ask(
        model_actions.compare_models, int(row["id"]), int(other or 0), data.settings()
    )
    if not outcome.done:
        st.error(outcome.sentence)
        return
    table = differences(outcome.value, int(row["id"]), int(other or 0))
    if table.empty:
        st.info("They differ in nothing but their weights.", icon=":material/info:")
        return
    st.dataframe(
        table,
        hide_index=True,
        key="model-differences",
        alt="What the two models differ in",
        column_config={"what": "What"},
        placeholder="-",
    )


def differences(found: list[dict[str, Any]], first: int, second: int) -> pd.DataFrame:
    """One row a key in which two models differ; single scores, which always do, are left out."""
    return pd.DataFrame(
        [
            {
                "what": words_of(one["key"]),
                f"Model {first}": _short(one["first"]),
                f"Model {second}": _short(one["second"]),
            }
            for one in found
            if not one["key"].startswith(("evaluation.scores", "evaluation.verdicts"))
        ]
    )


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
