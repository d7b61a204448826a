"""Traces: recorded requests as arrays, imported once and replayed often."""
