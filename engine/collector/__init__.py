"""The only reader of raw rows: rollups, last miss costs, shadows and samples of the queue."""
