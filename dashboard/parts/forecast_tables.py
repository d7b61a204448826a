"""Tables of the Forecaster page: the backtest, and the newest round."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.charts import forecasts
from dashboard.parts import jobs, shell
from dashboard.parts.services import cell
from dashboard.parts.states import empty
from engine.forecast.words import forecaster_words


def tables(source: data.SourceRow, endpoint: str, round_: pd.DataFrame) -> None:
    """Who wins the backtest, and the newest round."""
    left, right = shell.pair()
    with left:
        scores = data.scores(source.id)
        table = forecasts.score_table(scores, endpoint)
        whose = endpoint if not table.empty else "all endpoints"
        table = table if not table.empty else forecasts.score_table(scores)
        st.markdown(f"**Judgement** · on requests not learned from, {cell(whose)}")
        if table.empty:
            empty("A judgement follows the first training on enough requests.", height=180)
        else:
            st.dataframe(
                table.assign(
                    forecaster=table["forecaster"].map(forecaster_words),
                    coverage=100.0 * table["coverage"],
                    chosen=table["chosen"].astype(bool),
                )[["forecaster", "demand_mae", "demand_mase", "coverage", "origins", "chosen"]],
                hide_index=True,
                key="forecast-scores",
                alt="Errors of every forecaster over rolling origins",
                column_config={
                    "forecaster": "Forecaster",
                    "demand_mae": st.column_config.NumberColumn(
                        "Error (per interval)", format="%.2f"
                    ),
                    "demand_mase": st.column_config.NumberColumn("Against last (x)", format="%.2f"),
                    "coverage": st.column_config.NumberColumn("In band", format="%.0f %%"),
                    "origins": "Times",
                    "chosen": st.column_config.CheckboxColumn("In use"),
                },
            )
        jobs.progress(["retrain"], "No training has run yet.")
    with right:
        newest = round_[round_["at"] >= round_["at"].max() - 2] if not round_.empty else round_
        length = "interval" if newest.empty else f"{float(newest['interval_s'].iloc[0]):g} s"
        st.markdown(f"**Newest forecasts** · requests in the next {length}, with the 80% band")
        if newest.empty:
            empty("No forecast yet.", height=180)
        else:
            st.dataframe(
                newest[["cache_name", "demand", "demand_low", "demand_high", "load_time_ms"]],
                hide_index=True,
                key="forecast-round",
                height=320,
                alt="Newest forecast of every endpoint",
                column_config={
                    "cache_name": "Endpoint",
                    **{
                        name: st.column_config.NumberColumn(label, format="%.1f")
                        for name, label in (
                            ("demand", "Requests"),
                            ("demand_low", "Low"),
                            ("demand_high", "High"),
                            ("load_time_ms", "Load time (ms)"),
                        )
                    },
                },
            )
