"""Traces: recorded requests as arrays, imported once and replayed often."""

from __future__ import annotations

READERS: dict[str, str] = {
    "csv": "engine.traces.delimited:Delimited",
    "twitter": "engine.traces.delimited:Twitter",
    "libcachesim": "engine.traces.delimited:LibCacheSim",
    "parquet": "engine.traces.parquet:Parquet",
    "access-log": "engine.traces.access_log:AccessLog",
    "adaptsize": "engine.traces.spaced:AdaptSize",
    "arc": "engine.traces.spaced:Arc",
    "int32": "engine.traces.binary:Int32",
    "int64": "engine.traces.binary:Int64",
    "orm": "engine.traces.binary:Orm",
    "oracle-general": "engine.traces.binary:OracleGeneral",
}
"""Format of a file -> its reader (`engine.traces.base.Reader`)."""
