"""One ring and its journal without a server: what a kill at any moment leaves."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.broker import journal, layout, promise
from engine.broker.base import CAPACITY
from engine.broker.batch import Incoming
from engine.broker.ring import Ring
from engine.errors import BrokerError


class Consumer:
    """A connection that keeps what is delivered."""

    def __init__(self, client: str = "agent") -> None:
        self.client = client
        self.generation = "1"
        self.answers: list[Any] = []

    def deliver(self, answer: object) -> None:
        self.answers.append(answer)


def items(first: int, last: int, payload: bytes = b"{}") -> list[Incoming]:
    return [(f"m{number}", payload, 1, 0) for number in range(first, last)]


def names(ring: Ring, count: int = 50, consumer: Consumer | None = None) -> list[str]:
    answer = ring.get(consumer or Consumer(), count, 0, [])
    assert isinstance(answer, tuple)
    return [out[0] for out in answer[0]]


def killed(path: Path) -> Ring:
    """The ring as a new process finds it when the old one was killed this moment."""
    copy = path.with_name(f"{path.name}-after")
    shutil.copy(path, copy)
    return Ring(copy)


@pytest.mark.parametrize("size", [1, 7, 50, 100, 130])
def test_a_kill_after_any_put_leaves_exactly_what_was_promised(tmp_path: Path, size: int) -> None:
    path = tmp_path / "q.journal"
    ring = Ring(path)
    taker = Consumer()
    for round_ in range(9):
        reply = ring.put(items(round_ * size, (round_ + 1) * size))
        if round_ == 4:
            held = names(ring, 20, taker)
            ring.acknowledge(taker, held[:3])
        if round_ == 6:
            ring.leave(taker)
        after = killed(path)
        figures = ring.figures()
        assert after.figures()[3:] == figures[3:]
        assert after.figures()[1] == figures[1]
        before, found = ({row[0] for row in r.peek(CAPACITY)} for r in (ring, after))
        assert before == found
        assert after.put(items(round_ * size, (round_ + 1) * size))[1] == size
        assert reply[0] == size


def differing(before: bytes, after: bytes) -> list[int]:
    """Where bytes of a new journal's first batches differ: they lie in the second half."""
    start = layout.HEAP_AT + layout.HALF_BYTES
    return [at for at in range(start, start + 4096) if before[at] != after[at]]


@pytest.mark.parametrize("size", [1, 3])
def test_a_put_that_was_cut_off_did_not_happen(tmp_path: Path, size: int) -> None:
    path = tmp_path / "q.journal"
    ring = Ring(path)
    ring.put(items(0, 3))
    whole = path.read_bytes()
    ring.put(items(3, 3 + size, b"payload"))
    content = path.read_bytes()
    places = differing(whole, content)
    for share in (0.1, 0.5, 0.9):
        cut = places[int(len(places) * share)]
        cut_off = tmp_path / "cut.journal"
        cut_off.write_bytes(whole[: places[0]] + content[places[0] : cut] + whole[cut:])
        after = Ring(cut_off)
        assert after.figures()[1:] == (3, 0, 3, 0, 0, 0, 0, 0, 0)
        assert names(after) == ["m0", "m1", "m2"]
        assert after.put(items(3, 6))[0] == 3


@pytest.mark.parametrize("words", [1, 2])
def test_a_promise_that_was_cut_off_takes_nothing_back(tmp_path: Path, words: int) -> None:
    path = tmp_path / "q.journal"
    ring, consumer = Ring(path), Consumer()
    ring.get(consumer, 1, 1, [])
    ring.put(items(0, 1))
    before = path.read_bytes()
    ring.put(items(1, 2))
    content = bytearray(path.read_bytes())
    slots = [at for at in promise.SLOTS if before[at : at + 24] != content[at : at + 24]]
    assert len(slots) == 1
    cut = slots[0] + 8 * words
    content[cut : slots[0] + 24] = before[cut : slots[0] + 24]
    path.write_bytes(content)
    after = Ring(path)
    assert after.figures()[1:] == (2, 1, 2, 0, 1, 0, 0, 0, 0)
    assert [row[3] for row in after.peek(2)] == ["", ""]


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_a_batch_with_a_damaged_head_is_counted_told_and_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damaged: int, size: int
) -> None:
    path = tmp_path / "q.journal"
    ring = Ring(path)
    places = []
    for round_ in range(3):
        before = path.read_bytes()
        ring.put(items(round_ * size, (round_ + 1) * size))
        places.append(differing(before, path.read_bytes())[0])
    content = bytearray(path.read_bytes())
    content[places[damaged] + 4] ^= 0x10  # the number of records
    path.write_bytes(content)
    after = Ring(path)
    assert after.figures()[1:4] == (2 * size, 0, 3 * size)
    assert after.figures()[-1] == size
    assert f"Lost {size} damaged record" in caplog.text
    lost = items(damaged * size, (damaged + 1) * size)
    assert not {item[0] for item in lost} & set(names(after))
    assert after.put(lost)[:2] == (size, 0)


def test_what_a_waiting_consumer_took_is_leased_after_a_kill_and_can_be_acknowledged(
    tmp_path: Path,
) -> None:
    path = tmp_path / "q.journal"
    ring, consumer = Ring(path), Consumer()
    ring.get(consumer, 2, 1, [])
    ring.put(items(0, 3))
    ring.put(items(3, 4))
    after = killed(path)
    assert after.figures()[1:] == ring.figures()[1:]
    assert [row[0] for row in after.peek(9)] == ["m3", "m2", "m1", "m0"]
    answer = after.get(Consumer(), 9, 0, ["m0"])
    assert isinstance(answer, tuple)
    assert [(out[0], out[5]) for out in answer[0]] == [("m1", True), ("m2", False), ("m3", False)]
    assert after.figures()[6] == 1


def test_a_dropped_ring_answers_those_who_wait_and_refuses_calls_under_way(
    tmp_path: Path,
) -> None:
    path = tmp_path / "q.journal"
    ring, consumer = Ring(path), Consumer()
    waiter = ring.get(consumer, 1, 1, [])
    ring.drop()
    assert consumer.answers[0][0] == []
    assert not isinstance(waiter, tuple)
    assert ring.withdraw(waiter) is None
    assert not path.exists()
    for call in (lambda: ring.put(items(0, 1)), lambda: ring.get(consumer, 1, 0, [])):
        with pytest.raises(BrokerError, match="was dropped"):
            call()
    ring.leave(consumer)
    assert ring.turn(1.0)


def test_a_batch_longer_than_the_ring_happens_completely_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "q.journal"
    ring = Ring(path)
    ring.put(items(0, 3))
    ring._journal.commit = lambda: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        ring.put(items(3, 150))
    after = Ring(path)
    assert names(after) == ["m0", "m1", "m2"]
    assert after.put(items(3, 150))[0] == 147


def test_ids_are_remembered_however_many_follow(tmp_path: Path) -> None:
    path = tmp_path / "q.journal"
    ring = Ring(path)
    long = "x" * 150
    ring.put([(long, b"", 1, 0)])
    for first in range(0, layout.RECENT - 100, 90):
        ring.put(items(first, first + 90))
    for some in (ring, killed(path)):
        assert some.put([(long, b"", 1, 0), ("m5", b"", 1, 0)])[:2] == (0, 2)


def test_the_file_is_used_again_however_much_passes_through(tmp_path: Path) -> None:
    path = tmp_path / "q.journal"
    ring = Ring(path)
    held = Consumer()
    ring.put(items(0, 1, b"first"))
    names(ring, 1, held)
    for number in range(1, 700):
        ring.put([(f"m{number}", bytes([number % 256]) * 60_000, 1, 0)])
    assert path.stat().st_size == layout.FILE_BYTES
    after = killed(path)
    assert [row[:2] for row in after.peek(2)] == [
        ("m699", bytes([699 % 256]) * 60_000),
        ("m698", bytes([698 % 256]) * 60_000),
    ]
    assert names(after, 1) == ["m0"]


def test_a_full_disk_refuses_a_put_in_one_sentence_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Ring(tmp_path / "q.journal")
    ring.put(items(0, 3))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal, "allocate", full)
    with pytest.raises(BrokerError, match="free some disk space"):
        ring.put(items(3, 13, b"x" * 64_000))
    monkeypatch.undo()
    assert ring.put(items(3, 13, b"x" * 64_000))[0] == 10
    assert ring.figures()[1] == 13


def test_a_put_brings_a_waiting_consumer_its_records(tmp_path: Path) -> None:
    ring = Ring(tmp_path / "q.journal")
    consumer = Consumer()
    waiter = ring.get(consumer, 2, 1, [])
    ring.put(items(0, 3))
    records, figures = consumer.answers[0]
    assert [record[0] for record in records] == ["m0", "m1"]
    assert figures[:3] == (1, 3, 2)
    assert not isinstance(waiter, tuple)
    assert ring.withdraw(waiter) is None
