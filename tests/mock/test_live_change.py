"""What a change of the live agent did: windows around the newest change, or a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from db import writes
from db.migrations import migrate
from db.queries.traffic import SUMS
from db.session import open_store, writing
from db.tables import rollups, tunables
from engine.settings import load_settings
from engine.sources import active_source
from mock.live_change import SHOWN, main

AT = 1_750_000_000


@pytest.fixture
def store_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/store.sqlite3"
    monkeypatch.setenv("DATABASE_URL", url)
    store = open_store(url)
    migrate(store)
    store.dispose()
    return url


def fill(url: str, seconds: range, saved_ms: float) -> None:
    """A row a second of every policy; the agent saves twice what the others do."""
    store = open_store(url)
    source = active_source(load_settings(), store).id
    rows = [
        {
            **dict.fromkeys(SUMS, 0),
            "source": source, "policy": policy, "width": 1, "at": at, "cache_name": "*",
            "requests": 10, "saved_ms": saved_ms * (2 if policy == "agent" else 1),
            "stale_hits": 1, "load_histogram": "{}",
        }
        for policy in SHOWN
        for at in seconds
    ]  # fmt: skip
    with writing(store) as connection:
        connection.execute(rollups.insert(), rows)
    store.dispose()


def change(url: str, at: float) -> None:
    store = open_store(url)
    writes.set_tunable(store, "agent.exploration", 0.2, "test")
    with writing(store) as connection:
        connection.execute(update(tunables).values(at=at))
    store.dispose()


def test_both_windows_are_told_with_what_the_agent_has_over_plain_lru(
    store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(store_url, AT)
    fill(store_url, range(AT - 60, AT), 1005.0)
    fill(store_url, range(AT, AT + 90), 2005.0)
    assert main(["--seconds", "60", "--skip", "30"]) == 0
    before, after = capsys.readouterr().out.splitlines()[2:]
    assert before.split() == ["before", "600", "120.30", "60.00", "60.00", "60.00", "+100.5", "%"]
    assert after.split() == ["after", "600", "240.30", "120.00", "120.00", "120.00", "+100.2", "%"]


def test_what_cannot_be_told_is_one_sentence(
    store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("No tunable of the agent was ever set here")
    change(store_url, AT)
    fill(store_url, range(AT - 60, AT + 30), 1000.0)
    assert main(["--seconds", "60"]) == 2
    assert "Of the 60 s after " in capsys.readouterr().err
