"""How to point Cachescope at one's own system; every command here is run in docs/own-system.md."""

from __future__ import annotations

import streamlit as st

from dashboard import data

EXAMPLE = """SOURCE_URL=postgresql://user:password@host/name
SOURCE_TABLE=access_log
# ours=yours; needed are timestamp, cache_key and load_time_ms
SOURCE_MAPPING=timestamp=ts,cache_key=url,load_time_ms=ms,size_bytes=bytes,hit=cached,id=rid"""

INSERT = """INSERT INTO cache_metrics
  (timestamp, source, writer, sequence, cache_name, cache_key, hit, load_time_ms, size_bytes)
VALUES
  (1795188600.25, (SELECT id FROM sources WHERE name = 'own'), 'shop-1', 1,
   '/prices', '/prices?area=DK1', false, 41.7, 2048);"""

DECISIONS = """SELECT cache_name, action, ttl_seconds, refresh_ahead, valid_until
FROM decisions
WHERE source = (SELECT id FROM sources WHERE name = 'own')
  AND published = true AND valid_from <= :now AND valid_until > :now
ORDER BY valid_until, id;"""

INDEX = "CREATE INDEX ix_access_log_ts ON access_log (ts);"

SIMULATE = "python -m mock.simulate_live --api_url http://127.0.0.1:8080 --n 1000"


def panel() -> None:
    """Three ways in, and how any cache reads the decisions."""
    settings = data.settings()
    with st.expander("Use my own system", icon=":material/cable:"):
        if settings.source_url:
            st.success(
                f"Following your table **{settings.source_table}**, which is only read. "
                "Decisions are advice until you give the agent control on its page.",
                icon=":material/check:",
            )
        elif not settings.sample_enabled:
            st.success(
                "Following the rows that your program writes into our store, source **own**.",
                icon=":material/check:",
            )
        table, rows, decisions, traffic = st.tabs(
            ["My table", "My program writes rows", "Read the decisions", "Test traffic"]
        )
        with table:
            st.markdown(
                "Your requests lie in a table of any SQLite, MySQL, MariaDB or PostgreSQL "
                "database. Put this into `.env` beside `README.md`, then start again. The "
                "table is only read, and the sample stays off."
            )
            st.code(EXAMPLE, language="bash")
            st.markdown(
                "With an index on the time, each look stays as cheap as the first. Once the table "
                "is named, **System**, **Checks** says whether one is missing and how to make it:"
            )
            st.code(INDEX, language="sql")
        with rows:
            st.markdown(
                "Put this into `.env` and start once; the engine then registers the source "
                "**own** and follows the rows that carry its number."
            )
            st.code("CACHESCOPE_SAMPLE=false", language="bash")
            st.markdown(
                "One row a request; the time in seconds since 1970. The pair of `writer` and "
                "`sequence` may come only once, so a repeated insert never counts twice."
            )
            st.code(INSERT, language="sql")
        with decisions:
            st.markdown(
                "Any cache asks our store every second or so, `:now` being seconds since 1970; of "
                "several rows of one endpoint the last counts. The name `(other)` stands for every "
                "endpoint without a row of its own. **No row at all means: plain LRU.** "
                "Rows appear once the agent has control (**Agent**, **Give control …**)."
            )
            st.code(DECISIONS, language="sql")
        with traffic:
            st.markdown(
                "Real HTTP requests to your API, from its OpenAPI file or by hand: GET and HEAD "
                "only, and this machine only, unless flags say otherwise."
            )
            st.code(SIMULATE, language="bash")
