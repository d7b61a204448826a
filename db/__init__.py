"""The data layer: rows in, frames out. Imports nothing of ours."""
