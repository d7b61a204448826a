"""How to point Cachescope at one's own system; exact commands."""

from __future__ import annotations

import streamlit as st

from dashboard import data


def panel() -> None:
    """Commands and the statement for an index, for rows that another program writes."""
    settings = data.settings()
    with st.expander("Use my own system", icon=":material/cable:"):
        if settings.source_url:
            st.success(
                f"Following your table **{settings.source_table}** (read only). "
                "Decisions are advice until you switch the agent to control.",
                icon=":material/check:",
            )
        st.markdown(
            "**1. Your requests lie in a database table.** Put this into `.env` beside "
            "`README.md`, then restart the engine. We only ever read your table."
        )
        st.code(
            "SOURCE_URL=postgresql://user:password@host/name\n"
            "SOURCE_TABLE=cache_metrics\n"
            "# ours=yours, for columns with other names\n"
            "SOURCE_MAPPING=timestamp=ts,cache_key=url,load_time_ms=ms",
            language="bash",
        )
        st.markdown("An index makes each look as cheap as the first:")
        st.code("CREATE INDEX ix_cache_metrics_id_ts ON cache_metrics (id, timestamp);", "sql")
        st.markdown(
            "**2. Your program writes rows into our store.** Switch the sample off and insert "
            "one row a request into `cache_metrics`, under a source of your own."
        )
        st.code("CACHESCOPE_SAMPLE=false", language="bash")
        st.markdown(
            "**3. Your API gets our test traffic.** GET and HEAD only, and this machine only, "
            "unless flags say otherwise:"
        )
        st.code(
            "python -m mock.simulate_live --api_url http://127.0.0.1:8080 --n 1000",
            language="bash",
        )
        st.markdown(
            "**Read the decisions** from the table `decisions`: newest row per `cache_name` with "
            "`published` and `valid_until` in the future. No such row means: plain LRU."
        )
