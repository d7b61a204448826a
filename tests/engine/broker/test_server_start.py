"""Starting the queue server: files, addresses, second servers, damaged journals."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.broker import journal, layout
from engine.broker.base import Message
from engine.broker.place import parse_address, place_from, place_of, read_key
from engine.errors import SettingsError
from engine.settings import Settings
from tests.engine.broker.serving import ROOT, Serving


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    server = Serving(tmp_path).start().wait_ready()
    yield server
    server.close()


def put(serving: Serving, count: int) -> None:
    broker = serving.broker()
    broker.put_many([Message(f"m{i}", b"p%d" % i, time.monotonic_ns()) for i in range(count)])
    broker.close()


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine.broker.server", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_files_are_private_and_the_key_is_random(serving: Serving) -> None:
    place = serving.place
    assert isinstance(place.address, str)
    assert stat.S_IMODE(Path(place.address).parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(place.key_file.stat().st_mode) == 0o600
    assert len(set(place.key_file.read_bytes())) > 8
    assert stat.S_IMODE(place.journal.stat().st_mode) == 0o700


def test_the_server_starts_without_heavy_libraries() -> None:
    code = (
        "import sys, engine.broker.server;"
        "print([m for m in ('numpy','pandas','sqlalchemy','pydantic','torch') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


def test_a_second_server_refuses_in_one_sentence_and_the_first_goes_on(serving: Serving) -> None:
    second = run(serving.arguments())
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert "already uses the journals" in second.stderr
    put(serving, 1)


def test_a_server_with_other_journals_does_not_take_a_live_socket(
    serving: Serving, tmp_path: Path
) -> None:
    other = Serving(tmp_path / "other")
    other.place = type(other.place)(
        serving.place.address, serving.place.key_file, tmp_path / "other" / "queue"
    )
    second = run(other.arguments())
    assert second.returncode == 2
    assert "already listens" in second.stderr
    put(serving, 1)


def test_something_else_in_the_sockets_place_is_not_removed(tmp_path: Path) -> None:
    serving = Serving(tmp_path)
    path = Path(str(serving.place.address))
    path.parent.mkdir()
    path.write_text("mine")
    refused = run(serving.arguments())
    assert refused.returncode == 2
    assert "no socket" in refused.stderr
    assert path.read_text() == "mine"


@pytest.mark.parametrize("address", ["tcp://0.0.0.0:5000", "tcp://example.org:5000", "tcp://x"])
def test_an_address_that_others_could_reach_is_refused(tmp_path: Path, address: str) -> None:
    refused = run(["--address", address, "--journal", str(tmp_path), "--key", str(tmp_path / "k")])
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"The queue address '{address}'")
    assert "Traceback" not in refused.stderr


def test_a_busy_tcp_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        address = f"tcp://127.0.0.1:{busy.getsockname()[1]}"
        refused = run(
            ["--address", address, "--journal", str(tmp_path / "q"), "--key", str(tmp_path / "k")]
        )
    assert refused.returncode == 2
    assert "cannot listen" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_file_that_is_no_journal_is_moved_aside(serving: Serving) -> None:
    put(serving, 3)
    serving.kill()
    path = serving.place.journal / "q.journal"
    path.write_bytes(b"not a journal")
    serving.start().wait_ready()
    assert serving.broker().counters().depth == 0
    put(serving, 2)
    aside = list(serving.place.journal.glob("q.journal.damaged-*"))
    assert [file.read_bytes() for file in aside] == [b"not a journal"]
    assert "is no queue journal" in serving.log.read_text()


def test_one_damaged_record_is_skipped_told_and_counted(serving: Serving) -> None:
    put(serving, 5)
    serving.kill()
    path = serving.place.journal / "q.journal"
    content = bytearray(path.read_bytes())
    at = content.index(b"p0p1p2p3p4")
    content[at + 5] ^= 0xFF
    path.write_bytes(content)
    serving.start().wait_ready()
    broker = serving.broker()
    items, figures = broker.get_many(10, 0)
    assert [item.id for item in items] == ["m0", "m1", "m3", "m4"]
    assert (figures.damaged, figures.accepted, figures.depth) == (1, 5, 4)
    assert serving.log.read_text().count("damaged record") == 1
    broker.close()


def test_a_torn_commit_falls_back_to_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "q.journal"
    first = journal.Journal(path)
    list(first.records())
    first.totals[0] = 1
    first.commit()
    first.totals[0] = 2
    first.commit()
    first.close()
    content = bytearray(path.read_bytes())
    page = 4096 * (1 + 2 % 2)
    content[page + 40] ^= 0xFF
    path.write_bytes(content)
    again = journal.Journal(path)
    assert (again.totals[0], again.epoch) == (1, 2)
    again.close()


def test_two_damaged_commits_are_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "q.journal"
    first = journal.Journal(path)
    first.commit()
    first.commit()
    first.close()
    content = bytearray(path.read_bytes())
    for page in (4096, 8192):
        content[page + 40] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(journal.NotJournal):
        journal.Journal(path)


def test_times_are_carried_over_a_reboot_by_the_wall_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "q.journal"
    first = journal.Journal(path)
    now = time.monotonic_ns()
    first.records()
    first.compact([layout.Stored(0, False, 1, now, ("m0", b"{}", now, now + 60_000_000_000))], 0)
    first.next_sequence = 2
    first.commit()
    first.close()
    monkeypatch.setattr(journal, "boot_id", lambda: b"another boot ...")
    step = 1_000_000_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: now - step)
    second = journal.Journal(path)
    ((_, _, _, accepted, (_, _, sent, expires)),) = second.records()
    second.close()
    assert abs(sent - (now - step)) < 5_000_000_000
    assert accepted == sent
    assert expires - sent == 60_000_000_000


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "queue.key"
    read_key(path)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_key(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(SettingsError, match="5 bytes"):
        read_key(path)


def test_the_settings_name_the_place(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    place = place_of(settings)
    assert place.address == str(settings.run_path / "queue.sock")
    assert place_of(Settings(data_dir=tmp_path, queue_address="tcp://127.0.0.1:7001")).address == (
        "127.0.0.1",
        7001,
    )
    with pytest.raises(SettingsError, match="BACKEND"):
        place_of(Settings(data_dir=tmp_path, queue_address="redis://127.0.0.1"))
    assert place_from("/x/q.sock", "/x/queue", "/x/key").address == "/x/q.sock"
    assert parse_address("unix:///x/q.sock") == "/x/q.sock"


def test_the_lifeline_hears_ready_beats_and_progress_and_its_end_stops_the_server(
    tmp_path: Path,
) -> None:
    serving = Serving(tmp_path)
    parent_read, parent_write = os.pipe()
    event_read, event_write = os.pipe()
    environment = os.environ | {
        "ENGINE_PARENT_FD": str(parent_read),
        "ENGINE_EVENT_FD": str(event_write),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.broker.server", *serving.arguments()],
        cwd=ROOT,
        env=environment,
        pass_fds=(parent_read, event_write),
        stderr=subprocess.DEVNULL,
    )
    os.close(parent_read)
    os.close(event_write)
    try:
        put(serving, 3)
        broker = serving.broker()
        broker.get_many(3, 0)
        broker.close()
        time.sleep(0.8)
        lines = os.read(event_read, 10_000).decode().splitlines()
        assert lines[0] == "ready"
        assert lines[1].startswith("beat ")
        assert lines[-1] == "beat 3"
        os.close(parent_write)
        started = time.monotonic()
        process.wait(5)
        assert time.monotonic() - started < 2
        assert not Path(str(serving.place.address)).exists()
    finally:
        os.close(event_read)
        process.kill()
        process.wait(5)
