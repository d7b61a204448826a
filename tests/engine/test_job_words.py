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


@pytest.mark.parametrize(
    ("kind", "state", "result", "words"),
    [
        ("import", "done",
         {"is_new": True,
          "info": {"name": "web", "requests": 9000, "distinct": 40, "malformed": 3}},
         "trace web: 9,000 requests for 40 keys, 3 malformed lines left out"),
        ("import", "done", {"is_new": False, "info": {"name": "web"}},
         "these requests are there already: trace web"),
        ("train", "done", {"models": [4, 5], "best": 5}, "models 4, 5; best on validation: 5"),
        ("train", "cancelled", {"models": [4], "best": 4},
         "done; the best so far is kept as model 4"),
        ("evaluate", "done", {"models": [4], "verdicts": [{"sentence": "At 10 LRU wins."}]},
         "At 10 LRU wins."),
        ("export", "done", {"model": 4, "folder": "exports/model-4"},
         "model 4 lies in exports/model-4"),
        ("steps", "done", {"model": 4, "steps": 1500}, "1,500 steps of model 4 explained"),
        ("curves", "done", {"requests": 9000, "curves": {"hit_ratio": [1, 2]}},
         "2 curves on 9,000 requests"),
        ("compare", "done",
         {"requests": 9000,
          "outcomes": [{"policy": p, "capacity": c} for p in "ab" for c in (1, 2)]},
         "2 policies at 2 sizes on 9,000 requests"),
        ("compare", "done", {}, "done"),
    ],
)  # fmt: skip
def test_what_learning_came_to_is_told_in_words(
    kind: str, state: str, result: dict[str, object], words: str
) -> None:
    assert note({"kind": kind, "state": state, "message": "done", "result": result}) == words
