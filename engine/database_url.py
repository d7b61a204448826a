"""Database addresses as users write them, for the drivers that are installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from db.session import DRIVERS
from engine.errors import SettingsError
from engine.root import ROOT

if TYPE_CHECKING:
    from engine.settings import Settings


def normalise_url(url: str, setting: str = "DATABASE_URL") -> URL:
    """Map any driver name of the supported databases to the driver that is installed.

    `mysql+anything`, `mariadb`, `postgres` and `postgresql+anything` become PyMySQL and psycopg 3.

    Raises:
        SettingsError: the text is no URL or names another database.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the second: a port that is no number
        raise SettingsError(
            f"{setting} is not a database URL; write it as sqlite:///file, "
            "mysql://user:password@host/name or postgresql://user:password@host/name."
        ) from None
    driver = DRIVERS.get(parsed.drivername.partition("+")[0])
    if driver is None:
        raise SettingsError(
            f"{setting} names the database {parsed.drivername!r}, which is not supported; "
            "use sqlite, mysql, mariadb or postgresql."
        )
    if driver == "sqlite" and parsed.database and parsed.database != ":memory:":
        path = Path(parsed.database)
        return parsed.set(
            drivername=driver, database=str(path if path.is_absolute() else ROOT / path)
        )
    return parsed.set(drivername=driver)


def store_url(settings: Settings) -> URL:
    """The store: DATABASE_URL, else DB_*, else SQLite in the data folder.

    Raises:
        SettingsError: the settings name no database we know.
    """
    if settings.database_url_text:
        return normalise_url(settings.database_url_text)
    if not settings.db_driver:
        return URL.create("sqlite", database=str(settings.data_path / "cachescope.sqlite3"))
    base = settings.db_driver.partition("+")[0]
    if base not in DRIVERS:
        raise SettingsError(
            f"DB_DRIVER is {settings.db_driver!r}; use sqlite, mysql, mariadb or postgresql."
        )
    if base == "sqlite":
        name = settings.db_name if "." in settings.db_name else f"{settings.db_name}.sqlite3"
        return URL.create("sqlite", database=str(settings.data_path / name))
    return URL.create(
        DRIVERS[base],
        username=settings.db_user or None,
        password=settings.db_password.reveal() or None,
        host=settings.db_host,
        port=settings.db_port,
        database=settings.db_name,
    )
