"""Reading the store: functions that take it (or an open connection) and return rows or frames.

Every query is bounded by a LIMIT and follows an index, so that its cost depends on the window that
is shown and never on how much was recorded. Lists of dicts are for services; functions whose name
ends in `_frame` return a pandas DataFrame for pages.
"""
