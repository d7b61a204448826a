"""The timeline takes in each line once, torn ends included, and counts from the first event."""

from __future__ import annotations

import os
from pathlib import Path

from engine.resilience.history import Counted, History, What, read_file
from engine.resilience.timeline import Timeline, summed

BEGIN = 5_000_000_000
MS = 1_000_000


def test_bins_rates_and_marks_grow_with_the_history(tmp_path: Path) -> None:
    history = History(tmp_path, "one")
    line = Timeline(tmp_path)
    assert line.told()["at"] == []
    for number in range(10):
        at = BEGIN + number * 30 * MS
        history.add(What.OFFERED, at, id=f"p-{number}", sent=at)
        history.add(What.HANDED, at + MS, id=f"p-{number}", sent=at, accepted=at, handed=at + MS)
    history.add(What.INJECTED, BEGIN + 150 * MS, note="queue killed")
    history.flush()
    line.follow()
    line.follow()
    told = line.told()
    assert told["at"] == [0.0, 0.1, 0.2]
    assert told["offered"] == [40.0, 30.0, 30.0]
    assert told["dequeue_p95_ms"] == [1.0, 1.0, 1.0]
    assert told["marks"] == [[0.15, "injected", "queue killed"]]
    other = History(tmp_path, "two")
    depth = Counted(1, 77, 0, 0, 0, 0, 0, 0, 0)
    other.tell(What.SAMPLE, at=BEGIN - 100 * MS, counted=depth)
    line.follow()
    assert line.told()["at"] == [0.0, 0.1, 0.2, 0.3]
    assert line.told()["depth"][0] == 77.0
    assert summed(line.told())["offered"] == 10
    assert summed(line.told())["deepest"] == 77.0


def test_a_torn_last_line_is_left_out_and_read_when_it_is_whole(tmp_path: Path) -> None:
    history = History(tmp_path, "killed")
    history.tell(What.FINISHED, at=BEGIN)
    path = tmp_path / f"killed-{os.getpid()}.jsonl"
    line = Timeline(tmp_path)
    with path.open("ab") as file:
        file.write(b'{"at":5100000000,"by":"killed","what":"inj')
        file.flush()
        line.follow()
        assert len(read_file(path)) == 1
        file.write(b'ected","note":"x"}\n')
    line.follow()
    assert [mark[1] for mark in line.told()["marks"]] == ["injected"]
