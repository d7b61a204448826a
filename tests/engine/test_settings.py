"""Settings: right values from names users know; one sentence for a wrong one."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from engine.database_url import normalise_url
from engine.errors import SettingsError, TunableError, UnknownName
from engine.registry import resolve
from engine.secret import Secret
from engine.settings import ROOT, Settings, known_names, load_settings
from engine.tunables import TUNABLES, Tuned, check


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("mysql://u:p@h/n", "mysql+pymysql"),
        ("mariadb+mariadbconnector://u:p@h/n", "mysql+pymysql"),
        ("mysql+aiomysql://u:p@h/n", "mysql+pymysql"),
        ("postgres://u:p@h/n", "postgresql+psycopg"),
        ("postgresql+psycopg2://u:p@h/n", "postgresql+psycopg"),
        ("sqlite:///file.db", "sqlite"),
    ],
)
def test_any_driver_of_a_supported_database_maps_to_the_installed_one(
    given: str, driver: str
) -> None:
    assert normalise_url(given).drivername == driver


def test_an_unsupported_database_is_refused_in_one_sentence() -> None:
    with pytest.raises(SettingsError, match=r"'oracle', which is not supported; use sqlite"):
        normalise_url("oracle://u:p@h/n")


def test_a_text_that_is_no_url_is_refused_without_repeating_a_password() -> None:
    with pytest.raises(SettingsError) as refused:
        normalise_url("s3cret-not-a-url")
    assert "s3cret" not in str(refused.value)
    assert "sqlite:///file" in str(refused.value)


def test_the_names_users_know_build_the_store_url() -> None:
    settings = load_settings(
        DB_DRIVER="mysql+mysqlconnector",
        DB_HOST="db",
        DB_PORT=3307,
        DB_USER="u",
        DB_PASSWORD="p@ss/word",
        DB_NAME="shop",
    )
    rendered = settings.database_url.render_as_string(hide_password=False)
    assert rendered == "mysql+pymysql://u:p%40ss%2Fword@db:3307/shop"


def test_the_default_store_is_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings(CACHESCOPE_DATA_DIR=str(tmp_path))
    assert settings.database_url.database == str(tmp_path / "cachescope.sqlite3")
    assert settings.sample_enabled


def test_an_own_source_switches_the_sample_off_unless_asked_for() -> None:
    assert not load_settings(SOURCE_URL="sqlite:///mine.db").sample_enabled
    assert load_settings(SOURCE_URL="sqlite:///mine.db", CACHESCOPE_SAMPLE="true").sample_enabled


def test_an_unknown_setting_names_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHESCOPE_API_PROT", "9000")
    with pytest.raises(SettingsError, match=r"no setting CACHESCOPE_API_PROT.*_API_PORT"):
        load_settings()


def test_an_unknown_setting_is_refused_in_any_case_and_in_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("engine.settings.ROOT", tmp_path)
    for text in ("cachescope_api_prot=9000\n", "CACHESCOPE_API_PROT\n"):
        (tmp_path / ".env").write_text(text)
        with pytest.raises(SettingsError, match=r"no setting CACHESCOPE_API_PROT.*_API_PORT"):
            load_settings()


def test_an_override_that_is_no_setting_is_refused_though_the_environment_may_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URLL", "sqlite:///x.db")
    assert not load_settings().database_url_text
    with pytest.raises(SettingsError, match=r"no setting DATABASE_URLL; did you mean DATABASE_URL"):
        load_settings(DATABASE_URLL="sqlite:///x.db")


def test_overrides_stand_above_the_environment_and_that_above_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("engine.settings.ROOT", tmp_path)
    (tmp_path / ".env").write_text("CACHESCOPE_API_PORT=81\nDB_HOST=db\nCACHESCOPE_SAMPLE\n")
    assert (load_settings().api_port, load_settings().db_host) == (81, "db")
    assert load_settings().sample is None, "a name without a value sets nothing"
    monkeypatch.setenv("cachescope_api_port", "82")
    assert load_settings().api_port == 82
    assert load_settings(CACHESCOPE_API_PORT=83).api_port == 83


@pytest.mark.parametrize("name", ["cachescope_api_port", "CacheScope_Api_Port"])
def test_names_count_in_any_case(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(**{name: "81"}).api_port == 81
    monkeypatch.setenv(name, "82")
    assert load_settings().api_port == 82


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        *(("SAMPLE", word, "sample", True) for word in ("1", "true", "T", "yes", "Y", "On")),
        *(("SAMPLE", word, "sample", False) for word in ("0", "FALSE", "f", "No", "n", "off")),
        ("API_PORT", " 80 ", "api_port", 80),
        ("API_PORT", "8080.0", "api_port", 8080),
        ("CACHE_CAPACITY_BYTES", "500_000", "cache_capacity_bytes", 500_000),
        ("API_RATE", "1e3", "api_rate", 1000.0),
        ("API_RATE", "7", "api_rate", 7.0),
        ("API_RATE", "inf", "api_rate", float("inf")),
        ("DATA_DIR", "", "data_dir", Path()),
        ("DATA_DIR", "/else/where", "data_dir", Path("/else/where")),
        ("LOG_LEVEL", "DEBUG", "log_level", "DEBUG"),
        ("OPERATORS", "", "operators", ""),
        ("VIEWER_TOKEN", "v" * 16, "viewer_token", Secret("v" * 16)),
    ],
)
def test_a_text_becomes_a_value_of_its_own_kind(
    name: str, text: str, field: str, value: object
) -> None:
    found = getattr(load_settings(**{f"CACHESCOPE_{name}": text}), field)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("CACHESCOPE_API_PORT", "eighty", "give a whole number from 0 to 65535"),
        ("CACHESCOPE_API_PORT", "", "give a whole number from 0 to 65535"),
        ("CACHESCOPE_API_PORT", "80.5", "give a whole number from 0 to 65535"),
        ("CACHESCOPE_API_PORT", "65536", "give a whole number from 0 to 65535"),
        ("CACHESCOPE_ORIGIN_PORT", "-1", "give a whole number from 0 to 65535"),
        ("CACHESCOPE_API_PORT", 80.5, "give a whole number from 0 to 65535"),
        ("CACHESCOPE_CACHE_CAPACITY_BYTES", "0", "give a whole number of at least 1"),
        ("CACHESCOPE_CACHE_CAPACITY_BYTES", "inf", "give a whole number of at least 1"),
        ("DB_PORT", "null", "give a whole number from 0 to 65535"),
        ("DB_PORT", "65536", "give a whole number from 0 to 65535"),
        ("CACHESCOPE_API_RATE", "0", "give a number above 0"),
        ("CACHESCOPE_API_RATE", "nan", "give a number above 0"),
        ("CACHESCOPE_RETENTION_HOURS", "0", "give a number above 0 and at most 876000"),
        ("CACHESCOPE_RETENTION_HOURS", "long", "give a number above 0 and at most 876000"),
        ("CACHESCOPE_RETENTION_HOURS", "inf", "give a number above 0 and at most 876000"),
        ("CACHESCOPE_SAMPLE_RATE", "2001", "give a number above 0 and at most 2000"),
        ("CACHESCOPE_SAMPLE_RATE", "0", "give a number above 0 and at most 2000"),
        ("CACHESCOPE_API_BODY_MB", "1025", "give a number above 0 and at most 1024"),
        ("CACHESCOPE_SAMPLE_DAY_S", "9", "give a number from 10 to 31536000"),
        ("CACHESCOPE_SAMPLE_DAY_S", "inf", "give a number from 10 to 31536000"),
        ("CACHESCOPE_SAMPLE", "maybe", "give true or false"),
        ("CACHESCOPE_ATTACH_ONLY", " true ", "give true or false"),
        ("CACHESCOPE_LOG_LEVEL", "debug", "give 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("CACHESCOPE_QUEUE_BACKEND", "kafka", "give 'manager' or 'redis'"),
        ("DB_HOST", None, "give a text"),
        ("CACHESCOPE_DATA_DIR", 3, "give a text"),
        ("CACHESCOPE_ENGINE_URL", "lan", "give the address of its API, such as http://engine.lan:8000"),
        ("RAY_ADDRESS", "auto", "give HOST:PORT of the cluster's head, such as 10.0.0.5:6379"),
        ("RAY_ADDRESS", "ray:70000", "give HOST:PORT of the cluster's head, such as 10.0.0.5:6379"),
        ("CACHESCOPE_SAMPLE_ADDRESS", "http://a:99999",
         "write it as http://HOST:PORT, such as http://origin:8001"),
        ("CACHESCOPE_SAMPLE_ADDRESS", "x", "write it as http://HOST:PORT, such as http://origin:8001"),
        ("CACHESCOPE_OPERATOR_ADDRESSES", "10.0.0.1, q",
         "'q' is no address; give such as 10.0.0.5 or 10.0.0.0/24, separated by commas"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_in_one_sentence(name: str, value: object, remedy: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(**{name: value})
    assert str(refused.value) == f"{name} is {value!r}; {remedy}."


@pytest.mark.parametrize("name", ["CACHESCOPE_OPERATOR_TOKEN", "CACHESCOPE_VIEWER_TOKEN"])
def test_a_short_token_is_refused_without_repeating_it(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} is not usable; .* at least 16 char") as told:
        load_settings(**{name: "hunter2"})
    assert "hunter2" not in str(told.value)


def test_a_password_of_the_wrong_form_is_not_repeated() -> None:
    with pytest.raises(SettingsError, match=r"^DB_PASSWORD is not usable; give a text\.$"):
        load_settings(DB_PASSWORD=77123)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"DATABASE_URL": "nope"}, "DATABASE_URL is not a database URL"),
        ({"DATABASE_URL": "mysql://u:p@h:33a06/n"}, "DATABASE_URL is not a database URL"),
        ({"DATABASE_URL": "oracle://u:p@h/n"}, "DATABASE_URL names the database 'oracle'"),
        ({"DB_DRIVER": "oracle"}, "DB_DRIVER is 'oracle'; use sqlite, mysql"),
    ],
)
def test_a_database_we_do_not_know_is_told_when_settings_are_read(
    given: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        load_settings(**given)


def test_reading_settings_loads_no_library_of_databases_unless_one_is_named() -> None:
    code = (
        "import sys; from engine.settings import load_settings; settings = load_settings();"
        "heavy = {'sqlalchemy', 'pydantic', 'pydantic_settings'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "load_settings(DB_DRIVER='sqlite'); assert 'sqlalchemy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_password_is_never_shown() -> None:
    settings = load_settings(
        DB_DRIVER="mysql", DB_PASSWORD="hunter2", CACHESCOPE_VIEWER_TOKEN="hunter2" * 3
    )
    assert "hunter2" not in f"{settings!r} {settings}"


def test_settings_that_are_made_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHESCOPE_API_PORT", "81")
    assert Settings().api_port == 8000
    assert load_settings().api_port == 81


@pytest.mark.parametrize("name", ["DB_PORT", "CACHESCOPE_SAMPLE"])
def test_nothing_is_given_by_an_empty_text_where_nothing_may_be_given(name: str) -> None:
    assert load_settings(**{name: ""}) == load_settings()


def test_what_two_settings_must_be_together_holds_for_settings_that_are_made() -> None:
    with pytest.raises(SettingsError, match=r"CACHESCOPE_API_HOST is '0\.0\.0\.0'; other machines"):
        Settings(api_host="0.0.0.0")  # noqa: S104 - refused
    with pytest.raises(SettingsError, match="CACHESCOPE_VIEWER_TOKEN is not usable"):
        Settings(viewer_token=Secret("short"))


def test_settings_are_frozen_and_what_is_changed_is_worked_out_anew(tmp_path: Path) -> None:
    first = Settings(data_dir=tmp_path / "one")
    with pytest.raises(AttributeError):
        first.api_port = 1  # type: ignore[misc]
    assert first.database_url.database == str(tmp_path / "one" / "cachescope.sqlite3")
    second = structs.replace(first, data_dir=tmp_path / "two")
    assert second.database_url.database == str(tmp_path / "two" / "cachescope.sqlite3")
    assert first.data_path == tmp_path / "one"


def test_settings_travel_to_other_processes(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, operator_token=Secret("o" * 20))
    assert settings.run_path
    again = pickle.loads(pickle.dumps(settings))  # noqa: S301 - our own bytes
    assert again == settings
    assert again.run_path == settings.run_path


def test_a_socket_path_in_the_run_folder_fits_the_system_limit(tmp_path: Path) -> None:
    deep = tmp_path / ("very-long-folder-name" * 6)
    run_path = load_settings(CACHESCOPE_DATA_DIR=str(deep)).run_path
    assert len(str(run_path / "predictions.sock")) < 100


def test_two_shells_with_different_temporary_folders_find_the_same_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv("TMPDIR", str(tmp_path / name))
        monkeypatch.setattr("tempfile.tempdir", None)
        found.append(load_settings(CACHESCOPE_DATA_DIR=str(tmp_path)).run_path)
    assert found[0] == found[1]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])  # noqa: S104
def test_an_api_that_others_could_reach_is_refused_without_a_token(host: str) -> None:
    with pytest.raises(SettingsError, match=r"CACHESCOPE_API_HOST is .*use 127\.0\.0\.1"):
        load_settings(CACHESCOPE_API_HOST=host)
    for name in ("CACHESCOPE_OPERATOR_TOKEN", "CACHESCOPE_VIEWER_TOKEN"):
        assert load_settings(**{"CACHESCOPE_API_HOST": host, name: "t" * 16}).api_host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_an_api_on_loopback_is_accepted(host: str) -> None:
    assert load_settings(CACHESCOPE_API_HOST=host).api_host == host


def test_the_example_file_lists_exactly_the_settings_there_are() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {line.lstrip("# ").partition("=")[0] for line in lines if "=" in line}
    assert named == set(known_names())


@pytest.mark.parametrize("name", TUNABLES)
def test_the_default_of_every_tunable_lies_in_its_own_range(name: str) -> None:
    assert check(name, TUNABLES[name].default) == TUNABLES[name].default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("agent.learning_rate", 7),
        ("agent.learning_rate", float("nan")),
        ("agent.learning_rate", "fast"),
        ("agent.learning_rate", True),
        ("agent.hold", 1),
        ("forecast.horizon", 2.5),
        ("forecast.interval_s", 2.5),
        ("forecast.forecaster", "oracle"),
        ("no.such", 1),
    ],
)
def test_a_tunable_refuses_what_is_out_of_range_or_type(name: str, value: object) -> None:
    with pytest.raises(TunableError):
        check(name, value)


def test_stored_nonsense_leaves_the_default_in_force() -> None:
    tuned = Tuned({"agent.discount": 99, "agent.exploration": 0.1, "gone": 1})
    assert tuned.number("agent.discount") == TUNABLES["agent.discount"].default
    assert tuned.number("agent.exploration") == 0.1


def test_an_unknown_row_lists_the_choices() -> None:
    with pytest.raises(UnknownName, match=r"no agent 'qlerning'\. Did you mean 'qlearning'"):
        resolve({"qlearning": "x:Y", "heuristic": "x:Z"}, "qlerning", "agent")
