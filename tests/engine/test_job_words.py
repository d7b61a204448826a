"""What came of a job, as pages and terminal say it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from db import writes
from engine import cli
from engine.job_words import note


@pytest.mark.parametrize(
    ("kind", "result", "words"),
    [
        ("seed", {"energy_rows": 0, "added": 0, "present": 20_000, "source": "seeded"},
         "nothing to add: all 20,000 requests were there already; the energy tables were there"),
        ("seed", {"energy_rows": 9, "added": 5, "present": 0, "source": "seeded"},
         "5 requests added to the source seeded; 9 rows in the energy tables"),
        ("simulate", {"requests": 418, "errors": {"not sent in time": 582}},
         "418 of 1,000 requests sent, 582 not sent in time"),
        ("retrain", {"chosen": "last", "note": "The LSTM errs by 3.50."},
         "The LSTM errs by 3.50."),
    ],
)  # fmt: skip
def test_a_job_that_is_done_says_what_came_of_it(
    kind: str, result: dict[str, object], words: str
) -> None:
    row = {"kind": kind, "state": "done", "message": "done", "result": result}
    assert note(row) == words
    failed = row | {"state": "failed", "message": "No API answers.", "result": None}
    assert note(failed) == "No API answers."


def test_the_terminal_lists_jobs_with_what_came_of_them(
    sqlite_store: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{sqlite_store.url.database}")
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path))
    job = writes.create_job(sqlite_store, "simulate", {}, "test")
    ended = {"requests": 418, "errors": {"not sent in time": 582}}
    writes.update_job(sqlite_store, job, state="done", message="done", result=ended)
    assert cli.main(["jobs"]) == 0
    assert "418 of 1,000 requests sent, 582 not sent in time" in capsys.readouterr().out
