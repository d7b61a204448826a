"""The queue's benchmark runs: small, so that a renamed function is noticed."""

from __future__ import annotations

import shutil

import pytest

from tests.benchmarks import queue


@pytest.mark.skipif(not shutil.which("redis-server"), reason="the alternative is a private Redis")
def test_the_queue_benchmark_prints_every_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert queue.main(["--quick"]) in (0, 1)
    table = capsys.readouterr().out
    for line in ("put round trip", "delay p50", "batches of 100", "300 clients", "load average"):
        assert line in table
