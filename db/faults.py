"""What goes wrong with a database: which kind it is, and one sentence that tells a person.

Sentences never hold a password: they are built from the URL's host, user and database alone.
"""

from __future__ import annotations

from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import (
    TimeoutError as PoolTimeout,
)


class StoreUnavailable(Exception):  # noqa: N818 - reads as the sentence it reports
    """Raised when the store cannot be opened or reached; the message is one sentence."""


# MySQL: no such table, access denied (to a table, to a command), read-only.
_MYSQL_NOT_THE_ROW = {1146, 1142, 1044, 1045, 1049, 1290, 1792, 1836}
# PostgreSQL: no such table, no privilege, no such schema.
_POSTGRES_NOT_THE_ROW = {"42P01", "42501", "3F000"}
_DEADLOCKS = {1205, 1213, "40001", "40P01"}


def is_outage(error: BaseException) -> bool:
    """Whether the database, not the row, is the reason: the same write may succeed later."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error, (IntegrityError, DataError)):
        return False
    if isinstance(error, ProgrammingError):
        return code(error) in _MYSQL_NOT_THE_ROW | _POSTGRES_NOT_THE_ROW
    if isinstance(error, InterfaceError):
        return "sqlite" not in type(error.orig).__module__
    return True


def is_deadlock(error: BaseException) -> bool:
    """Whether the database rolled this transaction back in favour of another one."""
    return isinstance(error, DBAPIError) and code(error) in _DEADLOCKS


def code(error: DBAPIError) -> int | str | None:
    """The server's own error number (MySQL) or SQLSTATE (PostgreSQL), if it gave one."""
    arguments = getattr(error.orig, "args", ())
    if arguments and isinstance(arguments[0], int):
        return arguments[0]
    state = getattr(error.orig, "sqlstate", None)
    return None if state is None else str(state)


def explain(error: BaseException, url: URL) -> str:
    """One sentence, without secrets, on what is wrong with the store at `url` and what to do."""
    if isinstance(error, PoolTimeout):
        return f"All connections to {place(url)} are in use; try again in a moment."
    if not isinstance(error, DBAPIError):
        return (
            str(error).partition("\n")[0]
            if not isinstance(error, SQLAlchemyError)
            else (f"{place(url)} refused a statement ({type(error).__name__}).")
        )
    reason = str(error.orig)
    if url.get_backend_name() == "sqlite":
        return _explain_sqlite(reason, str(url.database))
    return _explain_server(error, reason, url)


def place(url: URL) -> str:
    """The database in words, with its host but never its password."""
    backend = url.get_backend_name()
    if backend == "sqlite":
        return f"the SQLite file {url.database}"
    name, port = ("PostgreSQL", 5432) if backend == "postgresql" else ("MySQL/MariaDB", 3306)
    return f"the {name} database {url.database!r} at {url.host or 'localhost'}:{url.port or port}"


_SQLITE = {
    "unable to open": "The SQLite file {file} cannot be opened; check that its folder exists and "
    "may be written.",
    "not a database": "{file} is not a SQLite database; choose another file in DATABASE_URL.",
    "malformed": "The SQLite file {file} is damaged; restore it from a copy or move it away.",
    "readonly": "The SQLite file {file} is read-only; make it and its folder writable.",
    "locked": "The SQLite file {file} is locked by another program; close it or wait.",
    "disk is full": "The disk of the SQLite file {file} is full; free some space.",
    "no such table": "The SQLite file {file} lacks a table of ours; start the engine once, or run "
    "its migration.",
}


def _explain_sqlite(reason: str, file: str) -> str:
    for sign, sentence in _SQLITE.items():
        if sign in reason:
            return sentence.format(file=file)
    return f"The SQLite file {file} refused a statement: {_first_line(reason)}."


_WRONG_PASSWORD = (
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    'role "',
)
_UNREACHABLE = (
    "refused", "timeout", "timed out", "could not translate", "failed to resolve", "no route",
    "name or service", "can't connect", "unreachable", "no such file", "starting up",
    "shutting down",
)  # fmt: skip
_LOST = ("lost connection", "gone away", "server closed", "terminat", "connection already closed")


def _explain_server(error: DBAPIError, reason: str, url: URL) -> str:
    number, lower = code(error), reason.lower()
    where = place(url)
    missing = f'database "{url.database}" does not exist'.lower()
    if number in (1045, 1698, "28P01", "28000") or any(s in lower for s in _WRONG_PASSWORD):
        return (
            f"The user {url.username!r} may not log in to {where}; check DB_USER and DB_PASSWORD "
            "or the URL."
        )
    if number in (1049, "3D000") or missing in lower:
        return (
            f"There is no such thing as {where}; make it with: CREATE DATABASE "
            f"{url.database}{'' if number != 1049 else ' CHARACTER SET utf8mb4'}."
        )
    if number in (1044, 1142, "42501"):
        return f"The user {url.username!r} lacks a right in {where}: {_first_line(reason)}."
    if any(sign in lower for sign in _LOST):
        return f"The connection to {where} was lost; is the server running?"
    if any(sign in lower for sign in _UNREACHABLE):
        return f"Could not reach {where}; is the server running, and are host and port right?"
    return f"Trouble with {where}: {_first_line(reason)}."


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].rstrip(".")
