"""The tables of the store, one for each record that is kept.

Times in columns named `timestamp` and `at` are seconds since the epoch (UTC) as doubles: one form
on every database, and MySQL's DATETIME would drop fractions. `timestamp` is when something
happened in the user's system, `at` when we wrote or decided something.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class _LongText(Text):
    """MySQL's LONGTEXT by its name alone: its dialect would be in the memory of every service."""

    __visit_name__ = "LONGTEXT"


class _LongBlob(LargeBinary):
    """MySQL's LONGBLOB, likewise."""

    __visit_name__ = "LONGBLOB"


Identity = BigInteger().with_variant(Integer, "sqlite")
Name = String(120)
LongText = Text().with_variant(_LongText(), "mysql", "mariadb")
Bytes = LargeBinary().with_variant(_LongBlob(), "mysql", "mariadb")

sources = Table(
    "sources",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("kind", String(20), nullable=False),  # sample, table, log, ingest, trace
    Column("costs", String(10), nullable=False),  # measured, modelled
    Column("mapping", JSON, nullable=False),
    Column("cursor", JSON),  # where the collector stands
    Column("watermark", Double),  # every row up to here has been collected
    Column("created_at", Double, nullable=False),
)

cache_metrics = Table(
    "cache_metrics",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("timestamp", Double, nullable=False),
    Column("source", Integer, nullable=False),
    Column("writer", String(48), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("cache_name", Name, nullable=False),
    Column("cache_key", String(255), nullable=False),
    Column("hit", Boolean, nullable=False),
    Column("stale", Boolean),  # null: the origin cannot know
    Column("hit_ratio", Double),  # of the whole cache, over its recent requests
    Column("item_count", Integer),
    Column("load_time_ms", Double, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("policy_triggered", String(40)),
    Column("rl_action_taken", String(20)),
    Column("traffic_intensity", Double),  # requests/s seen by the recorder
    UniqueConstraint("writer", "sequence"),
    Index(None, "source", "timestamp"),
)

cache_refreshes = Table(
    "cache_refreshes",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("timestamp", Double, nullable=False),
    Column("source", Integer, nullable=False),
    Column("writer", String(48), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("cache_name", Name, nullable=False),
    Column("cache_key", String(255), nullable=False),
    Column("load_time_ms", Double, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    UniqueConstraint("writer", "sequence"),
    Index(None, "source", "timestamp"),
)

# What the cache held, once a second and endpoint; also the proof that its recorder was alive.
cache_occupancy = Table(
    "cache_occupancy",
    metadata,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # whole second
    Column("cache_name", Name, primary_key=True),  # "*" is the whole cache, always written
    Column("items", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("byte_seconds", Double, nullable=False),  # held during this second
    Index(None, "at"),
)

# Sums over one bucket of `width` seconds. `policy` is "recorded" for what the source's own cache
# did, else the shadow that was replayed over the same requests. cache_name "*" is the total.
rollups = Table(
    "rollups",
    metadata,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("policy", String(20), primary_key=True),
    Column("width", Integer, primary_key=True, autoincrement=False),  # 1, 10 or 300 seconds
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # start of the bucket
    Column("cache_name", Name, primary_key=True),
    Column("requests", Integer, nullable=False),
    Column("hits", Integer, nullable=False),
    Column("stale_hits", Integer, nullable=False),
    Column("load_time_ms", Double, nullable=False),  # sum over all requests
    Column("miss_load_time_ms", Double, nullable=False),  # sum over misses
    Column("saved_ms", Double, nullable=False),  # hits: last known miss cost - the hit's own time
    Column("refreshes", Integer, nullable=False),
    Column("refresh_ms", Double, nullable=False),
    Column("bytes_requested", BigInteger, nullable=False),
    Column("byte_seconds", Double, nullable=False),  # held by the cache
    Column("missing", Integer, nullable=False),  # rows lost before they reached us
    Column("load_histogram", String(1000), nullable=False),  # JSON bin -> count, engine.histogram
    Index(None, "width", "at"),
)

miss_costs = Table(
    "miss_costs",
    metadata,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("cache_key", String(255), primary_key=True),
    Column("cache_name", Name, nullable=False),
    Column("cost_ms", Double, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Index(None, "source", "at"),
)

predictions = Table(
    "predictions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", Double, nullable=False),
    Column("source", Integer, nullable=False),
    Column("cache_name", Name, nullable=False),
    Column("interval_s", Double, nullable=False),
    Column("valid_from", Double, nullable=False),
    Column("valid_until", Double, nullable=False),
    Column("demand", Double, nullable=False),  # requests in the first interval
    Column("demand_low", Double, nullable=False),
    Column("demand_high", Double, nullable=False),
    Column("load_time_ms", Double, nullable=False),
    Column("horizon", JSON, nullable=False),  # {"demand": [...], "demand_low": [...], ...}
    Column("forecaster", String(20), nullable=False),
    Index(None, "source", "at"),
    Index(None, "source", "cache_name", "valid_from"),
)

# One judgement of every forecaster over rolling origins.
forecast_scores = Table(
    "forecast_scores",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("at", Double, nullable=False),
    Column("source", Integer, nullable=False),
    Column("forecaster", String(20), nullable=False),
    Column("cache_name", Name, nullable=False),  # "*": mean over endpoints
    Column("origins", Integer, nullable=False),
    Column("demand_mae", Double, nullable=False),  # requests per interval
    Column("demand_mase", Double, nullable=False),  # divided by the last value's error
    Column("load_time_mae_ms", Double),
    Column("coverage", Double),  # share of outcomes inside the interval
    Column("chosen", Boolean, nullable=False),
    Column("note", String(400)),
    Index(None, "source", "at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("prediction_id", String(40), nullable=False, unique=True),
    Column("at", Double, nullable=False),
    Column("source", Integer, nullable=False),
    Column("agent", String(20), nullable=False),
    Column("cache_name", Name, nullable=False),
    Column("action", String(20), nullable=False),
    Column("ttl_seconds", Double, nullable=False),
    Column("refresh_ahead", Boolean, nullable=False),
    Column("valid_from", Double, nullable=False),
    Column("valid_until", Double, nullable=False),
    Column("published", Boolean, nullable=False),  # true: caches obey it
    Column("state", String(40), nullable=False),
    Column("q_values", JSON, nullable=False),
    Column("explored", Boolean, nullable=False),
    Column("exploration", Double, nullable=False),
    Column("reason", String(400), nullable=False),
    Index(None, "source", "at"),
    Index(None, "source", "valid_until"),
)

rewards = Table(
    "rewards",
    metadata,
    Column("prediction_id", String(40), primary_key=True),
    Column("at", Double, nullable=False),
    Column("source", Integer, nullable=False),
    Column("cache_name", Name, nullable=False),
    Column("action", String(20), nullable=False),
    Column("valid_from", Double, nullable=False),
    Column("reward_ms", Double),  # null: not computable, see reason
    Column("reward_scaled", Double),  # share of the interval's load time, clipped to +-1
    Column("saved_ms", Double),
    Column("refresh_ms", Double),
    Column("stale_cost_ms", Double),
    Column("byte_cost_ms", Double),
    Column("requests", Integer),
    Column("hits", Integer),
    Column("reason", String(400)),
    Index(None, "source", "at"),
)

queue_samples = Table(
    "queue_samples",
    metadata,
    Column("queue", String(60), primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # whole second
    Column("depth_max", Integer, nullable=False),
    Column("depth_last", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("handed_out", Integer, nullable=False),
    Column("acknowledged", Integer, nullable=False),
    Column("overwritten", Integer, nullable=False),
    Column("expired", Integer, nullable=False),
    Column("enqueue_p50_ms", Double),
    Column("enqueue_p95_ms", Double),
    Column("enqueue_p99_ms", Double),
    Column("dequeue_p50_ms", Double),
    Column("dequeue_p95_ms", Double),
    Column("dequeue_p99_ms", Double),
)

agent_checkpoints = Table(
    "agent_checkpoints",
    metadata,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("agent", String(20), primary_key=True),
    Column("at", Double, nullable=False),
    Column("steps", BigInteger, nullable=False),
    Column("exploration", Double, nullable=False),
    Column("state", LongText, nullable=False),  # the agent's own JSON
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("owner", String(120), nullable=False),
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),
)

tunables = Table(
    "tunables",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("who", String(120), nullable=False),
    Column("at", Double, nullable=False),
)

# What happened to the system: starts, stops, kills, overwrites, outages.
events = Table(
    "events",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("at", Double, nullable=False),
    Column("writer", String(48), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("service", String(40), nullable=False),
    Column("level", String(10), nullable=False),  # info, warning, error
    Column("kind", String(40), nullable=False),
    Column("message", String(400), nullable=False),
    UniqueConstraint("writer", "sequence"),
    Index(None, "at"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(30), nullable=False),
    Column("state", String(20), nullable=False),
    Column("params", JSON, nullable=False),
    Column("progress", Double, nullable=False),  # 0 to 1
    Column("message", String(400), nullable=False),
    Column("result", JSON),
    Column("who", String(120), nullable=False),
    Column("owner", String(120)),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Index(None, "created_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("at", Double, nullable=False),
    Column("who", String(120), nullable=False),
    Column("action", String(60), nullable=False),
    Column("params", JSON, nullable=False),
    Column("result", String(400), nullable=False),
    Index(None, "at"),
)

rl_models = Table(
    "rl_models",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("name", Name),
    Column("algorithm", String(20), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("trained_at", Double),
    Column("device", String(40)),
    Column("cache_size", BigInteger),  # results, or bytes
    Column("timesteps", BigInteger),
    Column("feature_columns", JSON),
    Column("cache_weights", JSON),
    Column("hyperparameters", JSON),
    Column("network_architecture", JSON),
    Column("input_dimension", Integer),
    Column("reward_history", JSON),
    Column("hit_rate_history", JSON),
    Column("training_duration_seconds", Double),
    Column("data_digest", String(80)),
    Column("spec", JSON),
    Column("evaluation", JSON),
    Column("artefacts", JSON),
    Column("policy", Bytes),
    sqlite_autoincrement=True,  # the number of a deleted model never means another one
)

# Which model goes by the name champion or challenger now.
model_aliases = Table(
    "model_aliases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("model", BigInteger, nullable=False),
    Column("who", String(120), nullable=False),
    Column("at", Double, nullable=False),
)

alias_events = Table(
    "alias_events",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("at", Double, nullable=False),
    Column("alias", String(40), nullable=False),
    Column("kind", String(20), nullable=False),  # promote, roll back
    Column("from_model", BigInteger),
    Column("to_model", BigInteger, nullable=False),
    Column("who", String(120), nullable=False),
    Column("why", String(400), nullable=False),
    Index(None, "alias", "id"),
)

# The curves of trainings, told while they run.
training_points = Table(
    "training_points",
    metadata,
    Column("run", String(40), primary_key=True),  # id of the job, or of a training without one
    Column("seed", BigInteger, primary_key=True, autoincrement=False),
    Column("algorithm", String(20), primary_key=True),
    Column("steps", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("hit_ratio", Double),  # on the validation part
    Column("value_ratio", Double),  # what the best is chosen by
    Column("reward", Double),
    Column("loss", Double),
    Column("exploration", Double),
    Column("steps_per_s", Double),
    Column("best", Boolean, nullable=False),
)

# A study compares configurations; a trial is one of them, a run one seed of a trial.
# Optuna has a table named `studies` in the same database.
study_plans = Table(
    "study_plans",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("kind", String(20), nullable=False),  # a row of engine.study.KINDS
    Column("state", String(20), nullable=False),  # open, stopped
    Column("spec", JSON, nullable=False),
    Column("facts", JSON, nullable=False),  # found out once: reference lines, the recording
    Column("baseline", Integer),  # the trial that others are held against
    Column("who", String(120), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),  # first claim: a budget in minutes counts from here
)

study_trials = Table(
    "study_trials",
    metadata,
    Column("study", String(60), primary_key=True),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),  # waiting, running, done, pruned, failed
    Column("config", JSON),  # null: claimed, and not sampled yet
    Column("seeds", Integer, nullable=False),  # wanted
    Column("runs", Integer, nullable=False),  # finished
    Column("objective", Double),  # interquartile mean over its runs
    Column("low", Double),  # its 95 % interval
    Column("high", Double),
    Column("figures", JSON),  # means over its runs
    Column("asked", Integer),  # its number in the sampler's own storage
    Column("worker", String(120), nullable=False),
    Column("reason", String(400), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("beat_at", Double, nullable=False),
    Column("finished_at", Double),
    Index(None, "study", "objective"),
)

study_runs = Table(
    "study_runs",
    metadata,
    Column("study", String(60), primary_key=True),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("seed", BigInteger, primary_key=True, autoincrement=False),
    Column("objective", Double, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("curve", JSON, nullable=False),  # [[step, value], ...], at most a hundred points
    Column("seconds", Double, nullable=False),
    Column("worker", String(120), nullable=False),
    Column("at", Double, nullable=False),
)

# A run of a resilience test; its history lies in files.
resilience_runs = Table(
    "resilience_runs",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("scenario", String(40), nullable=False),
    Column("state", String(20), nullable=False),  # running, done, aborted, broken
    Column("verdict", String(20), nullable=False),  # pass, fail, unknown; empty while it runs
    Column("quick", Boolean, nullable=False),
    Column("backend", String(20), nullable=False),  # of the queue: manager, redis
    Column("scope", String(10), nullable=False),  # what was harmed: copy, live
    Column("params", JSON, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("timeline", JSON, nullable=False),  # a few hundred bins and marks
    Column("figures", JSON, nullable=False),
    Column("note", String(400), nullable=False),
    Column("job", String(40), nullable=False),  # empty: ran in a terminal
    Column("who", String(120), nullable=False),
    Column("began_at", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Index(None, "began_at"),
)


def _collate(table: Table, connection: Connection, **_: object) -> None:
    """MySQL's default collations hold "A" and "a" for the same key."""
    if connection.dialect.name in ("mysql", "mariadb"):
        # Not at the table's own place: naming a dialect there loads it, whatever the store is.
        table.kwargs.update(mysql_charset="utf8mb4", mysql_collate="utf8mb4_bin")


for _table in metadata.tables.values():
    event.listen(_table, "before_create", _collate)
