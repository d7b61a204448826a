"""Faults that need no rights: signals, a proxy that misbehaves, limits, spinning processes."""
