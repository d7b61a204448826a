from __future__ import annotations

import math
import stat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TraceError
from engine.traces.codes import Codes
from engine.traces.columns import RECORDED, Column, is_recorded
from engine.traces.costs import MissCosts
from engine.traces.mapping import match
from engine.traces.masking import Masker, salt_of
from engine.traces.options import LINE, TIME
from engine.traces.order import Ordered
from engine.traces.shelf import folder_of, name_for
from engine.traces.values import Times, hits, numbers

MASKER = Masker(b"salt")


@pytest.mark.parametrize(
    "key",
    [
        "/a?token=s3cret", "/a?x=1&api_key=s3cret", "/a?X-Amz-Signature=s3cret&y=2",
        "/a?sig=s3cret#part", "https://bob:s3cret@host/a", "/a?access_token=s3cret&b=3",
        "/a?user[password]=s3cret", "GET /a?key=s3cret HTTP/1.1", "/a?session-id=s3cret",
    ],
)  # fmt: skip
def test_secrets_are_masked(key: str) -> None:
    masked = MASKER.key(key)
    assert "s3cret" not in masked
    assert "***" in masked
    assert MASKER.key(key) == masked
    assert Masker(b"other").key(key) != masked
    assert MASKER.key(key.replace("s3cret", "s4cret")) != masked


@pytest.mark.parametrize(
    "key", ["/a?page=1&author=bob", "/keys/17", "user:17", "/a?monkey=1", "a@b", "/a?tokens", "17"]
)
def test_what_is_no_secret_stays(key: str) -> None:
    assert MASKER.key(key) == key


def test_the_masking_key_is_made_once_and_private(tmp_path: Path) -> None:
    salt = salt_of(tmp_path / "data")
    assert salt_of(tmp_path / "data") == salt
    assert stat.S_IMODE((tmp_path / "data" / "masking.key").stat().st_mode) == 0o600
    (tmp_path / "file").write_text("")
    with pytest.raises(TraceError, match="cannot be kept"):
        salt_of(tmp_path / "file")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=1), max_size=8))
def test_numbers_follow_first_appearance_in_any_pieces(pieces: list[list[str | None]]) -> None:
    codes, plain = Codes(), Codes()
    found = [number for piece in pieces for number in codes.encode(pa.array(piece, pa.string()))]
    flat = [value for piece in pieces for value in piece]
    assert found == plain.encode(pa.array(flat, pa.string())).tolist()
    first = list(dict.fromkeys(value for value in flat if value is not None))
    assert codes.values == first
    assert found == [-1 if value is None else first.index(value) for value in flat]


def test_a_files_own_dictionary_does_not_decide_the_numbers() -> None:
    given_in = pa.DictionaryArray.from_arrays(pa.array([2, 0, None, 2]), ["z", "never", "a"])
    codes = Codes()
    assert codes.encode(given_in).tolist() == [0, 1, -1, 0]
    assert codes.values == ["a", "z"]


rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 1), st.floats(0, 100), st.booleans()), min_size=1
)


@settings(deadline=None, max_examples=60)
@given(rows, st.integers(1, 7))
def test_costs_are_what_was_known_at_that_moment(
    told: list[tuple[int, int, float, bool]], size: int
) -> None:
    costs, found = MissCosts(), []
    for start in range(0, len(told), size):
        keys, groups, loads, were_hits = zip(*told[start : start + size], strict=True)
        found += costs.of(
            np.array(keys, np.int32), np.array(groups, np.int32),
            np.array(loads, np.float64), np.array(were_hits, np.bool_),
        ).tolist()  # fmt: skip
    known: dict[int, float] = {}
    misses: list[tuple[int, float]] = []
    for (key, group, load, was_hit), cost in zip(told, found, strict=True):
        if not was_hit:
            known[key] = load
            misses.append((group, load))
            assert cost == load
        elif key in known:
            assert cost == known[key]
        else:
            of_group = [load for its, load in misses if its == group]
            others = of_group or [load for _, load in misses] or [0.0]
            assert cost == pytest.approx(sum(others) / len(others))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 59), min_size=1), st.integers(1, 5))
def test_small_disorder_comes_out_sorted_and_whole(late: list[float], size: int) -> None:
    times = [number * 10.0 - lateness for number, lateness in enumerate(late, 10)]
    whole = pa.table({TIME: times, LINE: list(range(len(times)))})
    pieces = [whole.slice(start, size) for start in range(0, len(times), size)]
    allowed = all(max(times[: at + 1]) - time <= 60 for at, time in enumerate(times))
    try:
        out = pa.concat_tables(list(Ordered("x").sort(pieces)))
    except TraceError:
        assert not allowed
        return
    assert allowed
    expected = sorted(range(len(times)), key=lambda at: (times[at], at))
    assert out.column(LINE).to_pylist() == expected


def test_a_column_of_two_kinds_becomes_text() -> None:
    tables = [
        pa.table({TIME: [1.0], LINE: [1], "x": [5]}),
        pa.table({TIME: [2.0], LINE: [2], "x": ["a"]}),
    ]
    out = pa.concat_tables(list(Ordered("x").sort(tables)), promote_options="permissive")
    assert out.column("x").to_pylist() == ["5", "a"]


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([1.7e9, 1.7e9 + 1], [1.7e9, 1.7e9 + 1]),
        ([1_700_000_000_250], [1_700_000_000.25]),
        ([1_700_000_000_250_000], [1_700_000_000.25]),
        ([1_700_000_000_250_000_000], [1_700_000_000.25]),
        (["1700000000", "nonsense"], [1.7e9, math.nan]),
        (["2023-11-14T22:13:20Z", "2023-11-14 22:13:20.25", "2023-11-14T23:13:20+01:00", "x"],
         [1.7e9, 1.7e9 + 0.25, 1.7e9, math.nan]),
        ([None, "2023-11-14"], [math.nan, 1_699_920_000.0]),
    ],
)  # fmt: skip
def test_times_of_every_form(values: list[object], seconds: list[float]) -> None:
    np.testing.assert_allclose(Times().seconds(pa.array(values)), seconds, rtol=2e-16)


def test_hits_and_numbers_of_every_form() -> None:
    told = hits(pa.array(["HIT", "miss", "Stale", "-", None, "true", "EXPIRED", " 1 "]))
    assert told.tolist() == [True, False, True, False, False, True, False, True]
    assert hits(pa.array([1, 0, None])).tolist() == [True, False, False]
    np.testing.assert_array_equal(numbers(pa.array(["1.5", "x", None])), [1.5, math.nan, math.nan])


def test_columns_that_describe_a_cache_are_marked() -> None:
    for name in ("hit", "hit_ratio", "item_count", "rl_action_taken", "policy_triggered", "stale",
                 "load_time_ms"):  # fmt: skip
        assert is_recorded(name)
        assert name in RECORDED
    assert not is_recorded("traffic_intensity")


def test_a_column_keeps_its_kind_and_its_encoding_over_pieces() -> None:
    column = Column("region", False)
    first = column.encode(pa.array([None, None], pa.string()))
    assert np.isnan(first).all()
    assert column.encode(pa.array(["dk", "se", "dk"])).tolist() == [0.0, 1.0, 0.0]
    assert column.encode(pa.array(["no", "dk"])).tolist() == [2.0, 0.0]
    info = column.info()
    assert (info.kind, info.categories) == ("category", ("dk", "se", "no"))
    assert info.nulls == pytest.approx(2 / 7)


def test_times_as_features_count_from_the_columns_first() -> None:
    column = Column("seen", False)
    found = column.encode(pa.array(["2023-11-14T22:13:20Z", "2023-11-14T22:13:50Z"]))
    assert found.tolist() == [0.0, 30.0]
    assert column.kind == "time"


def test_columns_are_matched_by_name_sum_and_unit() -> None:
    names = ["Arrival Timestamp", "feature_fingerprint", "compile_ms", "exec_ms", "id", "x"]
    mapped = match(names, {"load_time_ms": "compile_ms+exec_ms"}, "", "t")
    assert mapped.roles["timestamp"] == ("Arrival Timestamp",)
    assert mapped.roles["load_time_ms"] == ("compile_ms", "exec_ms")
    assert mapped.further == ("x",)
    assert match(["url", "request_time"], {}, "", "t").scale == 1e3
    assert match(["url", "latency_us"], {}, "", "t").scale == 1e-3
    assert match(["url", "latency_us"], {}, "s", "t").scale == 1e3


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "x" * 81])
def test_names_that_could_leave_the_folder_are_refused(name: str) -> None:
    from engine.settings import load_settings

    with pytest.raises(TraceError, match="cannot name a trace"):
        folder_of(name, load_settings())
    assert name_for(Path("my log (1).csv.gz")) == "my-log-1"
