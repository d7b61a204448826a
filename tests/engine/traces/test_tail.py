from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

from engine.errors import TraceError
from engine.traces import tail as tails
from engine.traces.tail import Cursor, Tail
from tests.engine.traces.logs import append, line


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def everything(tail: Tail, clock: Clock) -> list[str]:
    """All lines that are there, also after a file's grace."""
    found: list[str] = []
    for _ in range(10):
        while lines := tail.read():
            found += lines.texts
            tail.accept(lines, len(lines.texts))
        clock.now += 1.1
    return found


def some(start: int, stop: int) -> list[str]:
    return [line(number) for number in range(start, stop)]


def test_lines_come_once_and_a_partial_one_when_it_ends(log: Path, clock: Clock) -> None:
    append(log, *some(0, 3))
    append(log, "half", end="")
    tail = Tail(log, clock=clock)
    assert everything(tail, clock) == some(0, 3)
    append(log, " of it")
    assert everything(tail, clock) == ["half of it"]
    assert everything(tail, clock) == []


def test_a_log_that_comes_later_is_read_from_its_start(log: Path, clock: Clock) -> None:
    tail = Tail(log, clock=clock)
    assert tail.read() is None
    append(log, *some(0, 2))
    assert everything(tail, clock) == some(0, 2)


def test_rotation_by_rename_loses_nothing_that_is_still_written_into_the_old_file(
    log: Path, clock: Clock
) -> None:
    append(log, *some(0, 3))
    tail = Tail(log, clock=clock)
    assert everything(tail, clock) == some(0, 3)
    old = log.rename(log.with_name("access.log.1"))
    append(log, *some(5, 7))
    assert tail.read() is None
    append(old, *some(3, 5))
    assert everything(tail, clock) == some(3, 7)


def test_copytruncate_finds_the_rest_in_the_copy(log: Path, clock: Clock) -> None:
    append(log, *some(0, 3))
    tail = Tail(log, clock=clock)
    assert everything(tail, clock) == some(0, 3)
    append(log, *some(3, 6))
    shutil.copy(log, log.with_name("access.log.1"))
    log.write_text("")
    assert everything(tail, clock) == some(3, 6)
    append(log, *some(6, 20))  # longer than before: only its first line tells that it is another
    assert everything(tail, clock) == some(6, 20)


def test_truncation_is_seen_when_the_log_has_outgrown_what_it_was(log: Path, clock: Clock) -> None:
    append(log, *some(0, 2))
    tail = Tail(log, clock=clock)
    everything(tail, clock)
    log.write_text("\n".join(some(10, 20)) + "\n")
    assert everything(tail, clock) == some(10, 20)


def test_a_restart_finishes_rotated_files_in_their_order(log: Path, clock: Clock) -> None:
    append(log, *some(0, 4))
    tail = Tail(log, clock=clock)
    lines = tail.read()
    assert lines is not None
    cursor = Cursor(lines.cursor.head, lines.cursor.head_bytes, 0, len(line(0)) + 1, 1)
    tail.close()
    oldest = log.with_name("access.log.2.gz")
    oldest.write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    append(log.with_name("access.log.1"), *some(4, 6))
    append(log, *some(6, 8))
    assert everything(Tail(log, cursor, clock), clock) == some(1, 8)


def test_reading_again_from_an_older_place_numbers_the_rows_alike(log: Path) -> None:
    append(log, *some(0, 3))
    first, again = Tail(log).read(), Tail(log).read()
    assert first == again
    assert first is not None
    assert first.cursor.writer.startswith("log-")
    assert len(first.cursor.writer) <= 48


def test_the_same_bytes_under_another_first_line_are_another_writer(tmp_path: Path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    append(one, *some(0, 2))
    append(other, *some(1, 2))
    first, second = Tail(one).read(), Tail(other).read()
    assert first is not None
    assert second is not None
    assert first.cursor.writer != second.cursor.writer


def test_only_the_newest_part_of_a_long_log_is_read(
    log: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, *some(0, 50))
    monkeypatch.setattr(tails, "HISTORY_BYTES", 3 * len(line(49)))
    found = everything(Tail(log, clock=clock), clock)
    assert found == some(48, 50)


def test_a_file_without_ends_of_lines_is_refused(log: Path) -> None:
    log.write_bytes(b"x\n" + b"y" * (tails.MOST_BYTES + 1))
    tail = Tail(log)
    lines = tail.read()
    assert lines is not None
    tail.accept(lines, 0)
    with pytest.raises(TraceError, match="no log"):
        tail.read()


def test_a_lost_rest_is_told_and_the_new_log_read(
    log: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    append(log, *some(5, 7))
    tail = Tail(log, Cursor("0" * 16, 10, 0, 500, 9), clock)
    assert everything(tail, clock) == some(5, 7)
    assert "was not found" in caplog.text


def test_an_old_damaged_file_stops_nobody(log: Path, clock: Clock) -> None:
    append(log, *some(0, 2))
    damaged = log.with_name("access.log.7.gz")
    damaged.write_bytes(b"no gzip")
    os.utime(damaged, (1, 1))
    tail = Tail(log, clock=clock)
    assert everything(tail, clock) == some(0, 2)
    log.rename(log.with_name("access.log.1"))
    append(log, *some(2, 4))
    assert everything(tail, clock) == some(2, 4)
    assert tail.cursor is not None
    log.rename(log.with_name("access.log.0"))
    append(log, *some(4, 5))
    assert everything(Tail(log, tail.cursor, clock), clock) == some(4, 5)


def test_a_damaged_file_that_may_hold_the_rest_is_waited_for(log: Path, clock: Clock) -> None:
    append(log, *some(0, 2))
    tail = Tail(log, clock=clock)
    assert everything(tail, clock) == some(0, 2)
    tail.close()
    append(log, *some(2, 3))
    whole = gzip.compress(log.read_bytes())
    rotated = log.with_name("access.log.1.gz")
    rotated.write_bytes(b"no gzip")
    log.unlink()
    append(log, *some(3, 5))
    again = Tail(log, tail.cursor, clock)
    with pytest.raises(TraceError, match=r"access.log.1.gz is damaged"):
        again.read()
    rotated.write_bytes(whole)
    assert everything(again, clock) == some(2, 5)
