"""Opening a user's database so that it can only be read."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

from db.session import CONNECT_TIMEOUT_S, bound_silence
from engine.database_url import normalise_url


def open_source(url: str) -> Engine:
    """An engine that only reads: the database itself refuses writes.

    A server that stays silent ends a statement with an error, well before a service that waits for
    it would count as hanging.

    Raises:
        SettingsError: the URL names no database we know.
    """
    parsed = normalise_url(url, "SOURCE_URL")
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _read_only_sqlite(parsed)
    if backend == "postgresql":
        arguments: dict[str, Any] = {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": "-c default_transaction_read_only=on -c timezone=UTC",
        }
    else:
        arguments = {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": CONNECT_TIMEOUT_S,
            "init_command": "SET SESSION time_zone = '+00:00'",
        }
    engine = create_engine(parsed, pool_pre_ping=True, pool_size=2, connect_args=arguments)
    bound_silence(engine)
    if backend == "mysql":
        _on_connect(engine, "SET SESSION TRANSACTION READ ONLY")
    return engine


def _read_only_sqlite(parsed: URL) -> Engine:
    read_only = parsed.set(database=f"file:{parsed.database}").update_query_dict(
        {"mode": "ro", "uri": "true"}
    )
    engine = create_engine(read_only, connect_args={"timeout": 3.0})
    _on_connect(engine, "PRAGMA query_only=ON")
    event.listen(engine, "connect", _read_any_text)
    return engine


def _read_any_text(connection: Any, _record: object) -> None:  # noqa: ANN401 - DBAPI
    # SQLite keeps text that is no UTF-8; one such row would fail the whole query.
    connection.text_factory = lambda text: text.decode(errors="replace")


def _on_connect(engine: Engine, statement: str) -> None:
    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - DBAPI
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
