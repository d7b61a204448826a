"""Settings: right values from names users know; one sentence for a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.database_url import normalise_url
from engine.errors import SettingsError, TunableError, UnknownName
from engine.registry import resolve
from engine.settings import ROOT, known_names, load_settings
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


def test_a_value_of_the_wrong_form_names_setting_and_value() -> None:
    with pytest.raises(SettingsError, match="CACHESCOPE_API_PORT is 'eighty'; give a whole number"):
        load_settings(CACHESCOPE_API_PORT="eighty")


def test_a_password_is_never_shown() -> None:
    assert "hunter2" not in repr(load_settings(DB_DRIVER="mysql", DB_PASSWORD="hunter2"))


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
def test_an_api_that_others_could_reach_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=r"CACHESCOPE_API_HOST is .*use 127\.0\.0\.1"):
        load_settings(CACHESCOPE_API_HOST=host)


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
