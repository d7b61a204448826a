"""Which queue backend a resilience test ran on, and whether on a copy or the live engine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    with op.batch_alter_table("resilience_runs") as table:
        table.add_column(
            sa.Column("backend", sa.String(length=20), nullable=False, server_default="manager")
        )
        table.add_column(
            sa.Column("scope", sa.String(length=10), nullable=False, server_default="copy")
        )
    with op.batch_alter_table("resilience_runs") as table:
        table.alter_column("backend", existing_type=sa.String(length=20), server_default=None)
        table.alter_column("scope", existing_type=sa.String(length=10), server_default=None)
