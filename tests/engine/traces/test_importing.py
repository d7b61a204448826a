from __future__ import annotations

import itertools
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import cli
from engine.actions.traces import Wanted, import_trace, look_at, traces
from engine.errors import TraceError
from engine.settings import Settings, load_settings
from engine.traces import shelf
from engine.traces.importing import open_trace
from engine.traces.options import Options
from engine.traces.split import split
from engine.traces.spool import Spool
from engine.traces.trace import digest, load, save


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(CACHESCOPE_DATA_DIR=str(tmp_path / "data"))


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A CSV of 5,000 requests with hits, costs, a category and a malformed line."""
    draws = np.random.default_rng(3)
    lines = ["ts,url,load_time_ms,hit,bytes,region"]
    for number in range(5000):
        key = int(draws.zipf(1.3)) % 400
        hit = int(draws.random() < 0.5)
        lines.append(f"{1.7e9 + number / 10:.1f},/a/{key},{5 if hit else 40 + key},{hit},"
                     f"{10 + key},{'dk' if key % 2 else 'se'}")  # fmt: skip
    lines.insert(2500, "broken")
    path = tmp_path / "recorded.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def left_in(settings: Settings) -> list[str]:
    return sorted(path.name for path in shelf.traces_path(settings).iterdir())


def test_an_import_is_kept_once_however_often_it_is_asked_for(
    recorded: Path, settings: Settings
) -> None:
    first = import_trace(Wanted(file=str(recorded)), "test", settings)
    assert first is not None
    assert first["is_new"]
    assert first["info"]["malformed"] == 1
    assert first["faults"][0]["line"] == 2501
    again = import_trace(Wanted(file=str(recorded), name="other"), "test", settings)
    assert again is not None
    assert not again["is_new"]
    assert again["info"]["name"] == "recorded"
    assert left_in(settings) == ["recorded"]


def test_what_is_kept_is_what_is_opened_directly(recorded: Path, settings: Settings) -> None:
    direct = open_trace(recorded, settings)
    import_trace(Wanted(file=str(recorded)), "test", settings)
    kept = open_trace("recorded", settings)
    assert kept.info.digest == direct.info.digest == digest(kept.requests)
    assert kept.key_texts.to_pylist() == direct.key_texts.to_pylist()
    saved = save(kept, settings.data_path / "again")
    assert saved.digest == kept.info.digest
    assert load(settings.data_path / "again").info.groups == ("/a/{id}",)


def test_a_hits_cost_is_its_keys_last_miss_before_it(recorded: Path, settings: Settings) -> None:
    requests = open_trace(recorded, settings).requests
    hits, loads = requests.columns["hit"], requests.columns["load_time_ms"]
    known: dict[int, float] = {}
    for at in range(len(requests)):
        key = int(requests.key[at])
        if not hits[at]:
            known[key] = float(loads[at])
        if key in known:
            assert requests.cost[at] == known[key]


def test_pieces_of_any_size_give_the_same_trace(
    recorded: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = open_trace(recorded, settings, Options(model_cost=True))
    measured = open_trace(recorded, settings)
    monkeypatch.setattr("engine.traces.delimited.ROWS", 97)
    assert open_trace(recorded, settings, Options(model_cost=True)).info.digest == (
        whole.info.digest
    )
    in_pieces = open_trace(recorded, settings)
    assert in_pieces.info.digest == measured.info.digest
    assert in_pieces.info.notes == measured.info.notes


def test_another_trace_of_the_name_is_never_overwritten_unasked(
    recorded: Path, settings: Settings
) -> None:
    import_trace(Wanted(file=str(recorded)), "test", settings)
    recorded.write_text("ts,url\n1,/x\n2,/y\n")
    with pytest.raises(TraceError, match="other requests"):
        import_trace(Wanted(file=str(recorded)), "test", settings)
    assert traces(settings)[0]["requests"] == 5000
    import_trace(Wanted(file=str(recorded), replace=True), "test", settings)
    assert traces(settings)[0]["requests"] == 2
    assert left_in(settings) == ["recorded"]


def test_an_import_cancelled_at_its_end_leaves_nothing(recorded: Path, settings: Settings) -> None:
    shares: list[float] = []

    def beat(share: float, _message: str) -> bool:
        shares.append(share)
        return share == 1.0

    assert import_trace(Wanted(file=str(recorded)), "test", settings, beat) is None
    assert max(shares) == 1.0
    assert left_in(settings) == []


def test_an_import_stops_between_pieces(
    recorded: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.traces.delimited.ROWS", 500)
    monkeypatch.setattr("engine.traces.order.TOLERANCE_S", 1.0)
    told: list[str] = []

    def beat(_share: float, message: str) -> bool:
        told.append(message)
        return len(told) == 3

    assert import_trace(Wanted(file=str(recorded)), "test", settings, beat) is None
    assert len(told) == 3
    assert left_in(settings) == []


@pytest.mark.parametrize("fails", ["append", "write"])
def test_a_full_disk_leaves_nothing_half_written(
    fails: str, recorded: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, fails, full)
    with pytest.raises(TraceError, match="No space left on device"):
        import_trace(Wanted(file=str(recorded)), "test", settings)
    assert left_in(settings) == []


def test_what_a_killed_import_left_is_removed_a_day_later(
    recorded: Path, settings: Settings
) -> None:
    left = shelf.traces_path(settings) / ".import-killed"
    left.mkdir(parents=True)
    os.utime(left, (time.time() - 90_000,) * 2)
    import_trace(Wanted(file=str(recorded)), "test", settings)
    assert left_in(settings) == ["recorded"]


def test_modelled_costs_say_so_everywhere(recorded: Path, settings: Settings) -> None:
    wanted = Wanted(file=str(recorded), model_cost=True, seed=4, name="modelled")
    found = import_trace(wanted, "test", settings)
    assert found is not None
    info = found["info"]
    assert info["costs"] == "modelled"
    assert "not measured" in info["cost_model"]
    assert "seed 4" in info["cost_model"]
    kept = open_trace("modelled", settings).requests
    costs: dict[int, set[float]] = {int(key): set() for key in kept.key}
    for key, cost in zip(kept.key, kept.cost, strict=True):
        costs[int(key)].add(float(cost))
    assert all(len(of_key) == 1 for of_key in costs.values())
    other = open_trace(recorded, settings, Options(model_cost=True, seed=5))
    assert not np.array_equal(other.requests.cost, kept.cost)


def test_hashed_keys_leave_no_text_of_them_anywhere(recorded: Path, settings: Settings) -> None:
    import_trace(Wanted(file=str(recorded), hash_keys=True), "test", settings)
    trace = open_trace("recorded", settings)
    plain = open_trace(recorded, settings)
    assert trace.info.digest == plain.info.digest
    texts = [*trace.key_texts.to_pylist(), *trace.info.groups]
    assert not [text for text in texts if "/a" in text]
    assert len(set(texts)) == len(texts)


def test_small_disorder_is_put_right(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "late.csv"
    path.write_text("ts,url\n10,a\n30,b\n20,c\n30,d\n90,e\n89,f\n200,g\n")
    trace = open_trace(path, settings)
    assert trace.requests.time.tolist() == [10, 20, 30, 30, 89, 90, 200]
    assert [trace.text(int(key)) for key in trace.requests.key] == list("acbdfeg")


@pytest.mark.parametrize("count", [1, 40])
def test_one_key_only_and_all_keys_distinct(count: int, tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "keys.csv"
    path.write_text("ts,url\n" + "".join(f"{n},k{n % count}\n" for n in range(40)))
    info = open_trace(path, settings).info
    assert (info.requests, info.distinct) == (40, count)


def test_endpoints_beyond_a_thousand_are_one(tmp_path: Path, settings: Settings) -> None:
    names = ["".join(letters) for letters in itertools.product("abcdefghijkl", repeat=3)]
    path = tmp_path / "names.csv"
    path.write_text("ts,url\n" + "".join(f"{n},/{name}x\n" for n, name in enumerate(names)))
    info = open_trace(path, settings).info
    assert len(info.groups) == 1001
    assert info.groups[-1] == "(other)"


def test_a_text_column_that_names_requests_is_left_out_and_told(
    tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "ids.csv"
    lines = [f"{n},/a,r{n},{'x' if n % 2 else 'y'},\n" for n in range(1500)]
    path.write_text("ts,url,request,kind,empty\n" + "".join(lines))
    info = open_trace(path, settings).info
    assert [column.name for column in info.columns] == ["kind"]
    assert any("request" in note for note in info.notes)


def test_a_look_tells_columns_endpoints_and_faults_and_keeps_nothing(
    recorded: Path, settings: Settings
) -> None:
    found = look_at(Wanted(file=str(recorded)), settings=settings)
    told = {column["name"]: column for column in found["columns"]}
    assert found["roles"]["cache_key"] == "url"
    assert found["is_all"]
    assert told["timestamp"]["low"] == 1.7e9
    assert set(told["region"]["categories"]) == {"dk", "se"}
    assert told["hit"]["recorded"]
    assert found["endpoints"][0][1] == "/a/{id}"
    assert found["malformed"] == 1
    assert not shelf.traces_path(settings).exists()


def test_a_split_is_by_time_and_shares_memory(recorded: Path, settings: Settings) -> None:
    requests = open_trace(recorded, settings).requests
    train, validate, test = split(requests)
    assert [len(train), len(validate), len(test)] == [2000, 500, 2500]
    assert np.shares_memory(test.key, requests.key)
    assert train.distinct == test.distinct == requests.distinct


def run(settings: Settings, *arguments: str) -> int:
    """The command line on these settings."""
    parser = cli._parser()
    given = parser.parse_args(arguments)
    try:
        return int(given.run(given, settings))
    except TraceError as error:
        print(error)  # noqa: T201
        return 2


def test_the_commands_import_show_list_and_remove(
    recorded: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: str) -> Any:  # noqa: ANN401 - any JSON
        assert run(settings, *arguments, "--json") == 0
        return json.loads(capsys.readouterr().out)

    assert told("columns", str(recorded))["requests"] == 5000
    assert told("import", str(recorded), "--preview")["distinct"] > 100
    assert told("traces") == []
    assert told("import", str(recorded), "--name", "mine")["info"]["name"] == "mine"
    assert [one["name"] for one in told("traces")] == ["mine"]
    assert run(settings, "import", str(recorded)) == 0
    assert "there already: trace mine" in capsys.readouterr().out
    assert run(settings, "columns", str(recorded)) == 0
    assert "recorded: off as a feature" in capsys.readouterr().out
    assert told("traces", "--remove", "mine") == {"removed": "mine"}
    assert run(settings, "traces", "--remove", "mine") == 2
    assert run(settings, "import") == 2


def test_an_import_as_a_job_heeds_its_cancellation(
    recorded: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.actions import traces as actions

    class Job:
        cancelled = False

        def progress(self, _fraction: float, _message: str = "") -> None:
            self.cancelled = True

    monkeypatch.setattr(actions, "given", lambda _settings: settings)
    monkeypatch.setattr("engine.traces.delimited.ROWS", 500)
    monkeypatch.setattr("engine.traces.order.TOLERANCE_S", 1.0)
    assert actions.import_job({"file": str(recorded)}, Job()) is None  # type: ignore[arg-type]
    with pytest.raises(TraceError, match="cannot be asked for like this"):
        actions.import_job({"fil": "x"}, Job())  # type: ignore[arg-type]


def test_secrets_in_named_endpoints_and_further_columns_are_masked(
    tmp_path: Path, settings: Settings
) -> None:
    lines = ["timestamp,cache_key,cache_name,referer"]
    lines += [
        f"{at},/a/{at % 2},/a?token=OPEN{at % 2},https://u:OPEN@h/?sig=OPEN{at % 2}"
        for at in range(8)
    ]
    path = tmp_path / "told.csv"
    path.write_text("\n".join(lines) + "\n")
    shown = look_at(Wanted(file=str(path)), settings=settings)
    assert "OPEN" not in json.dumps(shown)
    import_trace(Wanted(file=str(path)), "test", settings)
    kept = open_trace("told", settings)
    assert len(kept.info.groups) == 2
    assert [len(column.categories) for column in kept.info.columns] == [2]
    for file in shelf.folder_of("told", settings).iterdir():
        assert b"OPEN" not in file.read_bytes()


def test_hashed_keys_are_kept_although_the_same_requests_are_there_in_clear(
    recorded: Path, settings: Settings
) -> None:
    import_trace(Wanted(file=str(recorded)), "test", settings)
    hashed = Wanted(file=str(recorded), name="hashed", hash_keys=True)
    made = import_trace(hashed, "test", settings)
    assert made is not None
    assert made["is_new"]
    assert not any("/a/" in text for text in open_trace("hashed", settings).key_texts.to_pylist())
    again = import_trace(hashed, "test", settings)
    assert again is not None
    assert not again["is_new"]
    assert again["info"]["name"] == "hashed"


def test_a_replacement_that_fails_leaves_the_former_trace(
    recorded: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_trace(Wanted(file=str(recorded), name="kept"), "test", settings)
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if target.name == "kept" and not self.name.endswith(".old"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    recorded.write_text("ts,url\n1,/x\n2,/x\n")
    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(TraceError, match="cannot be kept"):
        import_trace(Wanted(file=str(recorded), name="kept", replace=True), "test", settings)
    assert len(open_trace("kept", settings).requests) == 5000
    assert left_in(settings) == ["kept"]
