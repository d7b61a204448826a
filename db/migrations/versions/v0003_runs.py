"""The curves of trainings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "training_points",
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("seed", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("algorithm", sa.String(length=20), nullable=False),
        sa.Column("steps", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("hit_ratio", sa.Double(), nullable=True),
        sa.Column("value_ratio", sa.Double(), nullable=True),
        sa.Column("reward", sa.Double(), nullable=True),
        sa.Column("loss", sa.Double(), nullable=True),
        sa.Column("exploration", sa.Double(), nullable=True),
        sa.Column("steps_per_s", sa.Double(), nullable=True),
        sa.Column("best", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "run", "seed", "algorithm", "steps", name=op.f("pk_training_points")
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
