"""Alembic's entry: runs revisions on the connection that `db.migrations` hands over."""

from __future__ import annotations

from alembic import context

from db import tables
from db.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by copying it
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
