"""The summaries in the log of a queue's client."""

from __future__ import annotations

import time

import pytest

from engine.broker.calls import SUMMARY_S, CallLog, summary


def test_a_summary_names_only_what_happened_and_times_no_waiting() -> None:
    waited, got = ("get_many", 0.5, 0, 0, 0), ("get_many", 0.4, 0, 12, 0)
    assert summary([waited, got]) == "got 12 in 2 calls"
    put = ("put_many", 0.0031, 12, 0, 3)
    assert summary([put]) == "put 12, overwrote 3 in 1 call, the slowest put took 3.1 ms"
    assert "slowest put took 3.1 ms" in summary([put, got])


def test_a_second_without_records_has_no_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    calls = CallLog("predictions")
    now += SUMMARY_S + 0.1
    calls.note("get_many", now - 0.5)
    assert caplog.text == ""
    now += SUMMARY_S + 0.1
    calls.note("get_many", now - 0.5, got=4)
    assert "Queue predictions in 1.1 s: got 4 in 1 call" in caplog.text
