"""Deployment settings: read once from the environment or `.env`, then frozen.

Nothing else reads the environment. What may change while the engine runs is a tunable
(`engine.tunables`), not a setting.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from engine.addresses import is_loopback, networks
from engine.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent
"""The repository's root; relative paths in settings start here, whatever the working folder."""

PREFIX = "CACHESCOPE_"

SHORTEST_TOKEN = 16
"""Characters."""

_DRIVERS = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}


def normalise_url(url: str, setting: str = "DATABASE_URL") -> URL:
    """Map any driver name of the supported databases to the driver that is installed.

    `mysql+anything`, `mariadb`, `postgres` and `postgresql+anything` become PyMySQL and psycopg 3.

    Raises:
        SettingsError: the text is no URL or names another database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(
            f"{setting} is not a database URL; write it as sqlite:///file, "
            "mysql://user:password@host/name or postgresql://user:password@host/name."
        ) from None
    driver = _DRIVERS.get(parsed.drivername.partition("+")[0])
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


class Settings(BaseSettings):
    """Every deployment setting, with its default and unit."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ROOT / ".env", extra="ignore", frozen=True
    )

    database_url_text: str = Field("", validation_alias="DATABASE_URL")
    db_driver: str = Field("", validation_alias="DB_DRIVER")
    db_host: str = Field("127.0.0.1", validation_alias="DB_HOST")
    db_port: int | None = Field(None, validation_alias="DB_PORT")
    db_user: str = Field("", validation_alias="DB_USER")
    db_password: SecretStr = Field(SecretStr(""), validation_alias="DB_PASSWORD")
    db_name: str = Field("cachescope", validation_alias="DB_NAME")

    source_url: str = Field("", validation_alias="SOURCE_URL")
    """Database that holds your request rows; only ever read. Empty: the sample origin."""
    source_table: str = Field("cache_metrics", validation_alias="SOURCE_TABLE")
    source_mapping: str = Field("", validation_alias="SOURCE_MAPPING")
    """Comma-separated `ours=yours` column names, e.g. `timestamp=ts,cache_key=key`."""
    source_log: str = Field("", validation_alias="SOURCE_LOG")
    """A web server's access log that is followed as it grows; only ever read."""

    data_dir: Path = Path("data")
    """Store, checkpoints, journal and keys."""
    log_dir: Path = Path("logs")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    attach_only: bool = False
    """The dashboard never starts an engine of its own; one runs elsewhere on this data folder."""
    operators: str = ""
    """Comma-separated names, as the login or the proxy tells them, that may change things."""
    operator_addresses: str = ""
    """Addresses or networks, besides loopback, whose sessions need no name to change things."""
    identity_header: str = ""
    """The header in which a proxy in front of the dashboard names who comes."""
    trusted_proxies: str = "127.0.0.1, ::1"
    """Addresses or networks of the proxies whose `identity_header` is believed."""

    engine_url: str = ""
    """`http://HOST:PORT` of the API of an engine on another machine; empty: this machine's."""

    operator_token: SecretStr = SecretStr("")
    """With a token set, nobody is answered without one; whoever sends this may change things."""
    viewer_token: SecretStr = SecretStr("")
    """Whoever sends this may look."""
    api_host: str = "127.0.0.1"
    """Anything but loopback needs a token."""
    api_names: str = ""
    """Comma-separated names under which the API answers, besides loopback and `api_host`."""
    api_rate: float = Field(1000.0, gt=0)
    """Requests per second that one client may send."""
    api_body_mb: float = Field(32.0, gt=0, le=1024)
    """Most that one request may bring, in MB."""
    api_port: int = Field(8000, ge=0, le=65535)
    origin_port: int = Field(8001, ge=0, le=65535)

    sample: bool | None = None
    """Start the sample origin and its traffic; unset: yes, unless a SOURCE_… is set."""
    sample_address: str = ""
    """Where the sample origin runs on its own, with its traffic, instead of under this engine."""
    sample_rate: float = Field(30.0, gt=0, le=2000)
    """Requests per second of the sample traffic."""
    sample_day_s: float = Field(300.0, ge=10)
    """Seconds that a simulated day lasts."""
    sample_workload: Literal["zipf", "daily", "bursts", "shift", "scan"] = "daily"
    cache_capacity_bytes: int = Field(400_000, ge=1)
    """Capacity of the sample origin's cache."""

    queue_backend: Literal["manager", "redis"] = "manager"
    queue_address: str = ""
    """Empty: a Unix socket in the run folder; `tcp://127.0.0.1:PORT`; `redis://…`."""

    ray_address: str = Field("", validation_alias="RAY_ADDRESS")
    """`HOST:PORT` of a Ray cluster that trains, evaluates, draws curves; empty: local processes."""

    retention_hours: float = Field(24.0, gt=0)
    """How long raw rows and per-second figures of our own store are kept."""

    @field_validator("operator_token", "viewer_token")
    @classmethod
    def _long_enough(cls, token: SecretStr) -> SecretStr:
        if 0 < len(token.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(
                f"a token that short can be guessed; give at least {SHORTEST_TOKEN} characters, "
                "such as those of `openssl rand -hex 32`"
            )
        return token

    @field_validator("api_host")
    @classmethod
    def _no_stranger_without_a_token(cls, host: str, info: ValidationInfo) -> str:
        tokens = (info.data.get("operator_token"), info.data.get("viewer_token"))
        if not is_loopback(host) and not any(
            token and token.get_secret_value() for token in tokens
        ):
            raise ValueError(
                "other machines could reach the API, which asks for no token; use 127.0.0.1, ::1 "
                "or localhost, or set CACHESCOPE_OPERATOR_TOKEN"
            )
        return host

    @field_validator("engine_url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("give the address of its API, such as http://engine.lan:8000")
        return url

    @field_validator("ray_address")
    @classmethod
    def _host_and_port(cls, address: str) -> str:
        host, _, port = address.rpartition(":")
        if address and not (host and port.isdecimal() and "/" not in host):
            raise ValueError("give HOST:PORT of the cluster's head, such as 10.0.0.5:6379")
        return address

    @field_validator("sample_address")
    @classmethod
    def _address(cls, url: str) -> str:
        if url and not re.fullmatch(r"http://[A-Za-z0-9.-]+:\d{1,5}", url):
            raise ValueError("write it as http://HOST:PORT, such as http://origin:8001")
        return url

    @field_validator("operator_addresses", "trusted_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        networks(text)
        return text

    @cached_property
    def database_url(self) -> URL:
        """The store: DATABASE_URL, else DB_*, else SQLite in the data folder."""
        if self.database_url_text:
            return normalise_url(self.database_url_text)
        if not self.db_driver:
            return URL.create("sqlite", database=str(self.data_path / "cachescope.sqlite3"))
        base = self.db_driver.partition("+")[0]
        if base not in _DRIVERS:
            raise SettingsError(
                f"DB_DRIVER is {self.db_driver!r}; use sqlite, mysql, mariadb or postgresql."
            )
        if base == "sqlite":
            name = self.db_name if "." in self.db_name else f"{self.db_name}.sqlite3"
            return URL.create("sqlite", database=str(self.data_path / name))
        return URL.create(
            _DRIVERS[base],
            username=self.db_user or None,
            password=self.db_password.get_secret_value() or None,
            host=self.db_host,
            port=self.db_port,
            database=self.db_name,
        )

    @cached_property
    def sample_enabled(self) -> bool:
        """Whether the sample origin and its traffic belong to this engine."""
        own = bool(self.source_url or self.source_log)
        return not own if self.sample is None else self.sample

    @cached_property
    def sample_started(self) -> bool:
        """Whether this engine starts the sample origin and its traffic itself."""
        return self.sample_enabled and not self.sample_address

    @cached_property
    def data_path(self) -> Path:
        """Absolute data folder."""
        return ROOT / self.data_dir

    @cached_property
    def log_path(self) -> Path:
        """Absolute log folder."""
        return ROOT / self.log_dir

    @cached_property
    def run_path(self) -> Path:
        """Folder of the sockets, one per data folder; short: a socket path ends at 107 bytes."""
        digest = hashlib.sha256(str(self.data_path.resolve()).encode()).hexdigest()[:10]
        # Not TMPDIR, which differs from shell to shell: both must find the same engine.
        short = Path("/tmp")  # noqa: S108 - the folder in it is ours alone, and checked to be
        folder = short if short.is_dir() else Path(tempfile.gettempdir())
        return folder / f"cachescope-{os.getuid()}-{digest}"


_REMEDIES = {
    "float_parsing": "give a number",
    "int_parsing": "give a whole number",
    "bool_parsing": "give true or false",
}
"""What to do instead, where pydantic's own words are no sentence to a person."""


def known_names() -> dict[str, str]:
    """Environment name -> field name, for every setting."""
    return {
        str(field.validation_alias or PREFIX + name.upper()): name
        for name, field in Settings.model_fields.items()
    }


def _refuse_unknown(names: set[str]) -> None:
    known = known_names()
    for name in sorted(names):
        ours = name.startswith(PREFIX) or name in known
        if ours and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see .env.example for those that exist."
            raise SettingsError(f"There is no setting {name}; {hint}")


def load_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - any field's value
    """Read the settings from `overrides` (by environment name), the environment and `.env`.

    Raises:
        SettingsError: an unknown name, or a value of the wrong form; one sentence names it.
    """
    _refuse_unknown(set(os.environ) | set(dotenv_values(ROOT / ".env")) | set(overrides))
    fields = known_names()
    given = {
        name if Settings.model_fields[fields[name]].validation_alias else fields[name]: value
        for name, value in overrides.items()
    }
    try:
        settings = Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        name = next((env for env, known in fields.items() if field in (env, known)), field)
        told = first["msg"].removeprefix("Value error, ").replace("Input should be", "give")
        remedy = _REMEDIES.get(first["type"], told)
        secret = fields.get(name, "").endswith(("_token", "password"))
        shown = "not usable" if secret else repr(first["input"])
        raise SettingsError(f"{name} is {shown}; {remedy}.") from None
    _ = settings.database_url
    return settings
