"""The rows that the pages' tests show must not grow old while a long session runs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.dashboard.conftest import DemoFile


def test_rows_stay_fresh_however_long_the_session_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled: list[float] = []
    monkeypatch.setattr(DemoFile, "_fill", lambda _self, at: filled.append(at))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    demo_file = DemoFile(tmp_path)
    files = set()
    for _ in range(100):
        files.add(demo_file.fresh())
        assert filled[-1] + DemoFile.AHEAD_S - now >= DemoFile.LEAST_S
        now += 7
    assert 1 < len(files) == len(filled) < 20
