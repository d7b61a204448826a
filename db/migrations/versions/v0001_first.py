"""Every table of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agent_checkpoints",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.String(length=20), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        sa.Column("exploration", sa.Double(), nullable=False),
        sa.Column(
            "state",
            sa.Text()
            .with_variant(mysql.LONGTEXT(), "mariadb")
            .with_variant(mysql.LONGTEXT(), "mysql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("source", "agent", name=op.f("pk_agent_checkpoints")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("result", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_table(
        "cache_metrics",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("timestamp", sa.Double(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("writer", sa.String(length=48), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("cache_name", sa.String(length=120), nullable=False),
        sa.Column("cache_key", sa.String(length=255), nullable=False),
        sa.Column("hit", sa.Boolean(), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=True),
        sa.Column("hit_ratio", sa.Double(), nullable=True),
        sa.Column("item_count", sa.Integer(), nullable=True),
        sa.Column("load_time_ms", sa.Double(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("policy_triggered", sa.String(length=40), nullable=True),
        sa.Column("rl_action_taken", sa.String(length=20), nullable=True),
        sa.Column("traffic_intensity", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cache_metrics")),
        sa.UniqueConstraint("writer", "sequence", name=op.f("uq_cache_metrics_writer_sequence")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(
        op.f("ix_cache_metrics_source_timestamp"),
        "cache_metrics",
        ["source", "timestamp"],
        unique=False,
    )
    op.create_table(
        "cache_occupancy",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cache_name", sa.String(length=120), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("byte_seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("source", "at", "cache_name", name=op.f("pk_cache_occupancy")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_cache_occupancy_at"), "cache_occupancy", ["at"], unique=False)
    op.create_table(
        "cache_refreshes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("timestamp", sa.Double(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("writer", sa.String(length=48), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("cache_name", sa.String(length=120), nullable=False),
        sa.Column("cache_key", sa.String(length=255), nullable=False),
        sa.Column("load_time_ms", sa.Double(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cache_refreshes")),
        sa.UniqueConstraint("writer", "sequence", name=op.f("uq_cache_refreshes_writer_sequence")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(
        op.f("ix_cache_refreshes_source_timestamp"),
        "cache_refreshes",
        ["source", "timestamp"],
        unique=False,
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("prediction_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("agent", sa.String(length=20), nullable=False),
        sa.Column("cache_name", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("ttl_seconds", sa.Double(), nullable=False),
        sa.Column("refresh_ahead", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Double(), nullable=False),
        sa.Column("valid_until", sa.Double(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("q_values", sa.JSON(), nullable=False),
        sa.Column("explored", sa.Boolean(), nullable=False),
        sa.Column("exploration", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("prediction_id", name=op.f("uq_decisions_prediction_id")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_decisions_source_at"), "decisions", ["source", "at"], unique=False)
    op.create_index(
        op.f("ix_decisions_source_valid_until"),
        "decisions",
        ["source", "valid_until"],
        unique=False,
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("writer", sa.String(length=48), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("message", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("writer", "sequence", name=op.f("uq_events_writer_sequence")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_events_at"), "events", ["at"], unique=False)
    op.create_table(
        "forecast_scores",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("forecaster", sa.String(length=20), nullable=False),
        sa.Column("cache_name", sa.String(length=120), nullable=False),
        sa.Column("origins", sa.Integer(), nullable=False),
        sa.Column("demand_mae", sa.Double(), nullable=False),
        sa.Column("demand_mase", sa.Double(), nullable=False),
        sa.Column("load_time_mae_ms", sa.Double(), nullable=True),
        sa.Column("coverage", sa.Double(), nullable=True),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=400), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forecast_scores")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(
        op.f("ix_forecast_scores_source_at"), "forecast_scores", ["source", "at"], unique=False
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("message", sa.String(length=400), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_jobs_created_at"), "jobs", ["created_at"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "miss_costs",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cache_key", sa.String(length=255), nullable=False),
        sa.Column("cache_name", sa.String(length=120), nullable=False),
        sa.Column("cost_ms", sa.Double(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("source", "cache_key", name=op.f("pk_miss_costs")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_miss_costs_source_at"), "miss_costs", ["source", "at"], unique=False)
    op.create_table(
        "predictions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("cache_name", sa.String(length=120), nullable=False),
        sa.Column("interval_s", sa.Double(), nullable=False),
        sa.Column("valid_from", sa.Double(), nullable=False),
        sa.Column("valid_until", sa.Double(), nullable=False),
        sa.Column("demand", sa.Double(), nullable=False),
        sa.Column("demand_low", sa.Double(), nullable=False),
        sa.Column("demand_high", sa.Double(), nullable=False),
        sa.Column("load_time_ms", sa.Double(), nullable=False),
        sa.Column("horizon", sa.JSON(), nullable=False),
        sa.Column("forecaster", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_predictions_source_at"), "predictions", ["source", "at"], unique=False)
    op.create_index(
        op.f("ix_predictions_source_cache_name_valid_from"),
        "predictions",
        ["source", "cache_name", "valid_from"],
        unique=False,
    )
    op.create_table(
        "queue_samples",
        sa.Column("queue", sa.String(length=60), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("depth_max", sa.Integer(), nullable=False),
        sa.Column("depth_last", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("handed_out", sa.Integer(), nullable=False),
        sa.Column("acknowledged", sa.Integer(), nullable=False),
        sa.Column("overwritten", sa.Integer(), nullable=False),
        sa.Column("expired", sa.Integer(), nullable=False),
        sa.Column("enqueue_p50_ms", sa.Double(), nullable=True),
        sa.Column("enqueue_p95_ms", sa.Double(), nullable=True),
        sa.Column("enqueue_p99_ms", sa.Double(), nullable=True),
        sa.Column("dequeue_p50_ms", sa.Double(), nullable=True),
        sa.Column("dequeue_p95_ms", sa.Double(), nullable=True),
        sa.Column("dequeue_p99_ms", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("queue", "at", name=op.f("pk_queue_samples")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "rewards",
        sa.Column("prediction_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("cache_name", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("valid_from", sa.Double(), nullable=False),
        sa.Column("reward_ms", sa.Double(), nullable=True),
        sa.Column("reward_scaled", sa.Double(), nullable=True),
        sa.Column("saved_ms", sa.Double(), nullable=True),
        sa.Column("refresh_ms", sa.Double(), nullable=True),
        sa.Column("stale_cost_ms", sa.Double(), nullable=True),
        sa.Column("byte_cost_ms", sa.Double(), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=True),
        sa.Column("hits", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=400), nullable=True),
        sa.PrimaryKeyConstraint("prediction_id", name=op.f("pk_rewards")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_rewards_source_at"), "rewards", ["source", "at"], unique=False)
    op.create_table(
        "rl_models",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("algorithm", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("trained_at", sa.Double(), nullable=True),
        sa.Column("device", sa.String(length=40), nullable=True),
        sa.Column("cache_size", sa.Integer(), nullable=True),
        sa.Column("timesteps", sa.BigInteger(), nullable=True),
        sa.Column("feature_columns", sa.JSON(), nullable=True),
        sa.Column("cache_weights", sa.JSON(), nullable=True),
        sa.Column("hyperparameters", sa.JSON(), nullable=True),
        sa.Column("network_architecture", sa.JSON(), nullable=True),
        sa.Column("input_dimension", sa.Integer(), nullable=True),
        sa.Column("reward_history", sa.JSON(), nullable=True),
        sa.Column("hit_rate_history", sa.JSON(), nullable=True),
        sa.Column("training_duration_seconds", sa.Double(), nullable=True),
        sa.Column("data_digest", sa.String(length=80), nullable=True),
        sa.Column("evaluation", sa.JSON(), nullable=True),
        sa.Column("artefacts", sa.JSON(), nullable=True),
        sa.Column(
            "policy",
            sa.LargeBinary()
            .with_variant(mysql.LONGBLOB(), "mariadb")
            .with_variant(mysql.LONGBLOB(), "mysql"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rl_models")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "rollups",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.String(length=20), nullable=False),
        sa.Column("width", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cache_name", sa.String(length=120), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("stale_hits", sa.Integer(), nullable=False),
        sa.Column("load_time_ms", sa.Double(), nullable=False),
        sa.Column("miss_load_time_ms", sa.Double(), nullable=False),
        sa.Column("saved_ms", sa.Double(), nullable=False),
        sa.Column("refreshes", sa.Integer(), nullable=False),
        sa.Column("refresh_ms", sa.Double(), nullable=False),
        sa.Column("bytes_requested", sa.BigInteger(), nullable=False),
        sa.Column("byte_seconds", sa.Double(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("load_histogram", sa.String(length=1000), nullable=False),
        sa.PrimaryKeyConstraint(
            "source", "policy", "width", "at", "cache_name", name=op.f("pk_rollups")
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_rollups_width_at"), "rollups", ["width", "at"], unique=False)
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("costs", sa.String(length=10), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=True),
        sa.Column("watermark", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_sources_name")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "tunables",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tunables")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
