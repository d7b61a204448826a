"""The benchmarks run: small, so that a renamed function is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import pages, recorder


def test_the_recorder_benchmark_prints_a_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert recorder.compare("sqlite", rounds=1, count=2000, seconds=0.1) > 1
    assert "ratio" in capsys.readouterr().out


def test_the_pages_benchmark_prints_a_ratio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = pages.fill_derived
    monkeypatch.setattr(pages, "fill_derived", lambda store: fill(store, seconds=60))
    assert pages.compare(tmp_path, many=2000, few=1000, rounds=1) > 0
    assert "ratio" in capsys.readouterr().out
