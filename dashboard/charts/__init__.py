"""Charts: a frame in, an Altair chart out; no streamlit."""
