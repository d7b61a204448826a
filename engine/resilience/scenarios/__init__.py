"""One scenario a file; the table is `engine.resilience.SCENARIOS`."""
