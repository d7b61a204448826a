"""Deployment settings: read once from the environment or `.env`, then frozen.

Nothing else reads the environment. What may change while the engine runs is a tunable
(`engine.tunables`), not a setting.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from dotenv import dotenv_values
from msgspec import Meta, Struct, field
from msgspec.structs import FieldInfo, fields

from engine.addresses import is_loopback
from engine.errors import SettingsError
from engine.root import ROOT
from engine.secret import Secret
from engine.setting_checks import CHECKS
from engine.setting_forms import refusal, value_of

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

__all__ = ["ROOT", "Settings", "known_names", "load_settings"]

PREFIX = "CACHESCOPE_"

Port = Annotated[int, Meta(ge=0, le=65535)]


def _environment_name(field_name: str) -> str:
    return PREFIX + field_name.upper()


class Settings(Struct, frozen=True, dict=True, kw_only=True, rename=_environment_name):
    """Every deployment setting, with its default and unit; made by `load_settings`.

    Made directly, it takes values of the right form and inside their bounds as they are.

    Raises:
        SettingsError: a value, or two together, cannot be used.
    """

    database_url_text: str = field(default="", name="DATABASE_URL")
    db_driver: str = field(default="", name="DB_DRIVER")
    db_host: str = field(default="127.0.0.1", name="DB_HOST")
    db_port: Port | None = field(default=None, name="DB_PORT")
    db_user: str = field(default="", name="DB_USER")
    db_password: Secret = field(default=Secret(), name="DB_PASSWORD")
    db_name: str = field(default="cachescope", name="DB_NAME")

    source_url: str = field(default="", name="SOURCE_URL")
    """Database that holds your request rows; only ever read. Empty: the sample origin."""
    source_table: str = field(default="cache_metrics", name="SOURCE_TABLE")
    source_mapping: str = field(default="", name="SOURCE_MAPPING")
    """Comma-separated `ours=yours` column names, e.g. `timestamp=ts,cache_key=key`."""
    source_log: str = field(default="", name="SOURCE_LOG")
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

    operator_token: Secret = Secret()
    """With a token set, nobody is answered without one; whoever sends this may change things."""
    viewer_token: Secret = Secret()
    """Whoever sends this may look."""
    api_host: str = "127.0.0.1"
    """Anything but loopback needs a token."""
    api_names: str = ""
    """Comma-separated names under which the API answers, besides loopback and `api_host`."""
    api_rate: Annotated[float, Meta(gt=0)] = 1000.0
    """Requests per second that one client may send."""
    api_body_mb: Annotated[float, Meta(gt=0, le=1024)] = 32.0
    """Most that one request may bring, in MB."""
    api_port: Port = 8000
    origin_port: Port = 8001

    sample: bool | None = None
    """Start the sample origin and its traffic; unset: yes, unless a SOURCE_… is set."""
    sample_address: str = ""
    """Where the sample origin runs on its own, with its traffic, instead of under this engine."""
    sample_rate: Annotated[float, Meta(gt=0, le=2000)] = 30.0
    """Requests per second of the sample traffic."""
    sample_day_s: Annotated[float, Meta(ge=10, le=31_536_000)] = 300.0
    """Seconds that a simulated day lasts."""
    sample_workload: Literal["zipf", "daily", "bursts", "shift", "scan"] = "daily"
    cache_capacity_bytes: Annotated[int, Meta(ge=1)] = 400_000
    """Capacity of the sample origin's cache."""

    queue_backend: Literal["manager", "redis"] = "manager"
    queue_address: str = ""
    """Empty: a Unix socket in the run folder; `tcp://127.0.0.1:PORT`; `redis://…`."""

    ray_address: str = field(default="", name="RAY_ADDRESS")
    """`HOST:PORT` of a Ray cluster that trains, evaluates, draws curves; empty: local processes."""

    retention_hours: Annotated[float, Meta(gt=0, le=876_000)] = 24.0
    """How long raw rows and per-second figures of our own store are kept."""

    def __post_init__(self) -> None:
        names = {name: shown for shown, name in known_names().items()}
        for name, check in CHECKS.items():
            value = getattr(self, name)
            try:
                check(value)
            except ValueError as error:
                raise refusal(names[name], value, str(error)) from None
        if not (
            is_loopback(self.api_host) or self.operator_token.reveal() or self.viewer_token.reveal()
        ):
            raise refusal(
                names["api_host"],
                self.api_host,
                "other machines could reach the API, which asks for no token; use 127.0.0.1, ::1 "
                f"or localhost, or set {names['operator_token']}",
            )

    @cached_property
    def database_url(self) -> URL:
        """The store: DATABASE_URL, else DB_*, else SQLite in the data folder.

        Raises:
            SettingsError: they name no database we know.
        """
        # SQLAlchemy is most of what reading settings would cost a process without a database.
        from engine.database_url import store_url

        return store_url(self)

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


@cache
def _fields() -> tuple[FieldInfo, ...]:
    return fields(Settings)


def known_names() -> dict[str, str]:
    """Environment name -> field name, for every setting."""
    return {known.encode_name: known.name for known in _fields()}


def _refuse_unknown(names: set[str]) -> None:
    known = known_names()
    for name in sorted(names - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "see .env.example for those that exist."
        raise SettingsError(f"There is no setting {name}; {hint}")


def load_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - any field's value
    """Read the settings from `overrides` (by environment name), the environment and `.env`.

    Names count in any case.

    Raises:
        SettingsError: an unknown name, or a value of the wrong form; one sentence names it.
    """
    file, asked = _upper(dotenv_values(ROOT / ".env")), _upper(overrides)
    given = {name: text for name, text in file.items() if text is not None}
    given |= _upper(os.environ) | asked
    _refuse_unknown({name for name in file | given if name.startswith(PREFIX)} | set(asked))
    settings = Settings(
        **{
            known.name: value_of(known.encode_name, known.type, given[known.encode_name])
            for known in _fields()
            if known.encode_name in given
        }
    )
    if settings.database_url_text or settings.db_driver:
        _ = settings.database_url
    return settings


def _upper(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.upper(): value for name, value in values.items()}
