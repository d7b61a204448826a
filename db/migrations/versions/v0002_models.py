"""Trained models: names, specifications, sizes in bytes, and the aliases that point to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table(
        "rl_models", recreate="auto", table_kwargs={"sqlite_autoincrement": True}
    ) as models:
        models.add_column(sa.Column("name", sa.String(length=120), nullable=True))
        models.add_column(sa.Column("spec", sa.JSON(), nullable=True))
        models.alter_column(
            "cache_size", existing_type=sa.Integer(), type_=sa.BigInteger(), existing_nullable=True
        )
    op.create_table(
        "model_aliases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("model", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_model_aliases")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "alias_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("alias", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("from_model", sa.BigInteger(), nullable=True),
        sa.Column("to_model", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("why", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alias_events")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_alias_events_alias_id"), "alias_events", ["alias", "id"], unique=False)
