"""`python -m engine compare`: a file in, a table and plain sentences out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.actions.policies import (
    CompareWanted,
    compare_job,
    compare_policies,
    miss_curve,
    policies,
)
from engine.actions.verdicts import verdicts
from engine.cache import POLICIES
from engine.cli import main
from engine.errors import PolicyError
from engine.settings import Settings
from tests.engine.cache.generated import zipf_with_scans


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Requests with sizes and costs as CSV; no engine, no store."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    asked = zipf_with_scans(4000, 300)
    rows = [
        f"{time},k{key},{1 + key % 9},{5 + key % 4}"
        for time, key in zip(asked.time, asked.key, strict=True)
    ]
    path = tmp_path / "requests.csv"
    path.write_text("\n".join(["timestamp,cache_key,size_bytes,load_time_ms", *rows]) + "\n")
    return path


def said(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> tuple[int, str, str]:
    code = main(["compare", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_it_prints_every_policy_at_every_size(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = said(capsys, [str(log), "--sizes", "1%", "60"])
    assert code == 0
    assert out.startswith("requests: 13,000 requests for ")
    for part in ("Hit ratio", "Byte hit ratio", "Load time saved"):
        assert f"\n{part}" in out
    table = out.split("Hit ratio\n")[1].split("\n\n")[0]
    names = [line.split("  ")[1] if line[0] == " " else line for line in table.splitlines()[1:]]
    assert len(names) == len(POLICIES)
    assert "= Belady (optimum)" in table
    assert table.count(" *") >= 2
    assert "At 60 by hit ratio: " in out
    assert "the optimum is another " in out
    assert "reference that knows the future (no bound)" in out


def test_as_json_it_tells_both_parts(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, [str(log), "--sizes", "60", "--policies", "lru", "belady", "--json"])
    told = json.loads(out)
    assert [one["policy"] for one in told["outcomes"]] == ["lru", "belady"]
    assert told["outcomes"][0]["whole"]["requests"] == 13_000
    assert told["outcomes"][0]["judged"]["requests"] == told["judged_requests"] == 6500
    assert {(v["part"], v["figure"]) for v in told["verdicts"]} == {
        (part, figure)
        for part in ("whole", "judged")
        for figure in ("hit_ratio", "byte_hit_ratio", "load_time_saved")
    }


def test_by_bytes_the_future_is_a_reference(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(log), "--bytes", "--sizes", "10%", "--policies", "lru", "belady", "--ttl", "9"]
    _, out, _ = said(capsys, [*arguments, "--part", "judged"])
    assert "sizes in bytes of " in out
    assert "with a cache warmed by the others" in out
    assert "Results end 9 s after they were loaded." in out
    assert "- Belady (optimum)" in out
    assert "= Belady" not in out


def test_modelled_load_times_are_labelled(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, [str(log), "--sizes", "60", "--policies", "lru", "--model-cost"])
    assert "Load times are modelled. Modelled, not measured: 50 ms" in out
    assert "Load time saved (modelled, not measured)" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--sizes", "0"], "'0' is no size of a cache"),
        (["--policies", "lur"], "Did you mean 'lru'"),
        (["--ttl", "-1"], "time to live of -1.0 s"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], says: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, [str(log), *arguments])
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_file_that_is_not_there_is_said(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, ["nothing-here"])
    assert code == 2
    assert "no trace and no file 'nothing-here'" in err


def scored(**ratios: float) -> list[dict[str, Any]]:
    kinds = {"belady": "optimum", "belady-value": "reference"}
    return [
        {"policy": name, "title": name.upper(), "kind": kinds.get(name, "classic"), "capacity": 50,
         "whole": {"hit_ratio": ratio, "load_time_saved": ratio}}
        for name, ratio in ratios.items()
    ]  # fmt: skip


def test_verdicts_say_plainly_what_is_best_and_what_is_left() -> None:
    def sentence(figure: str = "hit_ratio", **ratios: float) -> str:
        (found,) = verdicts(scored(**ratios), [figure], "whole")
        return str(found["sentence"])

    assert sentence(lru=0.4, arc=0.45, belady=0.6) == (
        "At 50 by hit ratio: ARC is best (0.4500), 5.0 points ahead of LRU; the optimum is another "
        "15.0 points ahead."
    )
    assert "LRU is as good as anything (0.4000)" in sentence(lru=0.4, arc=0.4004, belady=0.6)
    assert "there is no room to learn in" in sentence(lru=0.4, arc=0.5, belady=0.5004)
    assert "reference that knows the future (no bound) is another 15.0 points" in sentence(
        "load_time_saved", lru=0.4, arc=0.45, belady=0.6
    )
    assert sentence(arc=0.45) == "At 50 by hit ratio: ARC is best (0.4500)."
    assert verdicts(scored(belady=0.5), ["hit_ratio"], "whole") == []


def test_the_share_to_judge_must_leave_something(log: Path) -> None:
    with pytest.raises(PolicyError, match=r"Judging from 1.0 on leaves nothing"):
        compare_policies(CompareWanted(trace=str(log), judged_from=1.0), Settings())


def test_a_curve_covers_the_sizes_of_the_trace(log: Path) -> None:
    found = miss_curve(CompareWanted(trace=str(log), policies=("lru", "arc")), settings=Settings())
    assert [one["policy"] for one in found["curves"]] == ["lru", "arc"]
    points = found["curves"][0]["points"]
    assert points[0]["capacity"] == 1
    assert points[-1]["capacity"] == found["footprint"] == found["distinct"]
    assert points[-1]["miss_ratio"] == pytest.approx(found["distinct"] / found["requests"])


def test_the_list_of_policies_says_which_are_choices() -> None:
    found = {one["name"]: one["is_choice"] for one in policies()}
    assert set(found) == set(POLICIES)
    assert [name for name, choice in found.items() if not choice] == [
        "never", "always", "belady", "belady-value",
    ]  # fmt: skip


class Handle:
    """A job's handle that is cancelled once it was told of so much progress."""

    def __init__(self, told_before_end: int) -> None:
        self.left = told_before_end
        self.heeded = False
        self.shares: list[float] = []

    def progress(self, fraction: float, message: str = "") -> None:
        self.shares.append(fraction)

    @property
    def cancelled(self) -> bool:
        self.heeded = len(self.shares) > self.left
        return self.heeded


def test_as_a_job_it_tells_progress_and_ends_when_cancelled(log: Path) -> None:
    params = {"trace": str(log), "sizes": ["1%", "60"], "policies": ["lru", "fifo"]}
    whole = Handle(100)
    found = compare_job(params, whole)  # type: ignore[arg-type]
    assert found is not None
    assert len(found["outcomes"]) == 4
    assert whole.shares == sorted(whole.shares)
    assert compare_job(params, Handle(2)) is None  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match="no size"):
        compare_job({**params, "sizes": ["0"]}, Handle(0))  # type: ignore[arg-type]
