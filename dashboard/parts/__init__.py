"""Pieces that several pages share; the only files beside the views that draw with Streamlit."""
