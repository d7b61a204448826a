from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import EngineError, TraceError, UnknownName
from engine.registry import resolve
from engine.settings import ROOT, Settings, load_settings
from engine.traces import READERS
from engine.traces.base import Reader
from engine.traces.guess import format_of
from engine.traces.importing import open_trace
from engine.traces.options import Options
from engine.traces.trace import Trace
from tests.engine.traces.logs import START, line


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(CACHESCOPE_DATA_DIR=str(tmp_path / "data"))


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def keys(trace: Trace) -> list[str]:
    return [trace.text(int(key)) for key in trace.requests.key]


def test_every_format_resolves_to_a_reader() -> None:
    for name in READERS:
        assert issubclass(resolve(READERS, name, "format"), Reader)


@pytest.mark.parametrize(
    ("name", "content", "kind", "found", "sizes"),
    [
        ("web12.trace", struct.pack(">4i", 7, 8, 7, -1), "int32", ["7", "8", "7", "-1"], [1] * 4),
        ("scarab.trace", struct.pack(">2q", 1 << 40, -5), "int64", [str(1 << 40), "-5"], [1, 1]),
        (
            "some.oracleGeneral",
            struct.pack("<IQIq", 5, 1 << 63, 10, 7) + struct.pack("<IQIq", 6, 2, 0, -1),
            "oracle-general",
            [str(1 << 63), "2"],
            [10, 1],
        ),
        ("cdn.trace", "1 a7 68\n2 b 7454\n3 a7 68\n", None, ["a7", "b", "a7"], [68, 7454, 68]),
        ("cdn.trace", "1 7 68\n2 8 7454\n", "adaptsize", ["7", "8"], [68, 7454]),
        ("P3.lis", "100 3 0 0\n101 1 0 1\n", "arc", ["100", "101", "102", "101"], [1] * 4),
        ("t.csv", "#time, object, size, next\n1,7,10,3\n2,8,20,-1\n", "libcachesim",
         ["7", "8"], [10, 20]),
        ("t.csv", "1,7,10\n2,8,20\n", "libcachesim", ["7", "8"], [10, 20]),
        ("cluster52", "0,nz:u:a,6,17,1,get,0\n1,nz:u:b,6,5,2,set,9\n2,nz:u:a,6,17,1,gets,0\n",
         "twitter", ["nz:u:a", "nz:u:a"], [17, 17]),
    ],
)  # fmt: skip
def test_a_trace_of_each_published_format_reads(
    name: str, content: str | bytes, kind: str | None, found: list[str], sizes: list[int],
    tmp_path: Path, settings: Settings,
) -> None:  # fmt: skip
    path = written(tmp_path, name, content)
    if kind is None:
        with pytest.raises(TraceError, match="Nothing tells the format"):
            format_of(path)
    else:
        assert format_of(path) == kind
    trace = open_trace(path, settings, Options(format=kind or "adaptsize"))
    assert keys(trace) == found
    assert trace.requests.size.tolist() == sizes


def test_the_type_in_an_orm_key_is_its_endpoint(tmp_path: Path, settings: Settings) -> None:
    packed = struct.pack(">3I", (3 << 27) | 5, (30 << 27) | 5, (3 << 27) | 6)
    trace = open_trace(written(tmp_path, "orm-busy.trace", packed), settings)
    assert trace.info.groups == ("type 3", "type 30")
    assert trace.requests.group.tolist() == [0, 1, 0]


def test_what_is_packed_is_unpacked_on_the_way(tmp_path: Path, settings: Settings) -> None:
    content = b"time,key,size\n" + b"".join(b"%d,/a/%d,5\n" % (n, n % 7) for n in range(1000))
    plain = open_trace(written(tmp_path, "a.csv", content), settings)
    zst = pa.BufferOutputStream()
    with pa.CompressedOutputStream(zst, "zstd") as out:
        out.write(content)
    packed = {
        "gz": gzip.compress(content), "xz": lzma.compress(content), "bz2": bz2.compress(content),
        "zst": zst.getvalue().to_pybytes(),
    }  # fmt: skip
    for ending, blob in packed.items():
        trace = open_trace(written(tmp_path, f"a.csv.{ending}", blob), settings)
        assert trace.info.digest == plain.info.digest
    with pytest.raises(TraceError, match="is damaged"):
        open_trace(written(tmp_path, "a.csv.xz", packed["xz"][:-40]), settings)


def test_named_columns_are_found_and_the_rest_become_features(
    tmp_path: Path, settings: Settings
) -> None:
    text = (
        "\ufeffts;url;Duration (us);bytes;cache_status;region;premium\n"
        "1700000000000;/a;12500;100;MISS;dk;true\n"
        "1700000001000;/a;1000;100;HIT;se;false\n"
        "1700000002500;/b;4000;7;MISS;dk;\n"
    )
    trace = open_trace(written(tmp_path, "a.csv", text), settings, Options(
        mapping={"load_time_ms": "Duration (us)"}, unit="us"
    ))  # fmt: skip
    requests = trace.requests
    assert requests.time.tolist() == [1.7e9, 1.7e9 + 1, 1.7e9 + 2.5]
    assert requests.cost.tolist() == [12.5, 12.5, 4.0]
    assert requests.size.tolist() == [100, 100, 7]
    told = {column.name: column for column in trace.info.columns}
    assert {name for name, column in told.items() if column.recorded} == {"hit", "load_time_ms"}
    assert told["region"].categories == ("dk", "se")
    assert told["premium"].kind == "boolean"
    assert told["premium"].nulls == pytest.approx(1 / 3)
    assert requests.columns["region"].tolist() == [0.0, 1.0, 0.0]
    assert requests.columns["hit"].tolist() == [0.0, 1.0, 0.0]


def test_redset_needs_no_mapping(tmp_path: Path, settings: Settings) -> None:
    table = pa.table({
        "instance_id": [1, 1, 1],
        "query_id": [9, 10, 11],
        "arrival_timestamp": pa.array([0, 1_500_000, 2_000_000], pa.timestamp("us")),
        "feature_fingerprint": ["aa", "bb", "aa"],
        "query_type": ["select", "insert", "select"],
        "execution_duration_ms": [500, 20, 3],
        "was_cached": [0, 0, 1],
        "cache_source_query_id": [None, None, 9],
    })  # fmt: skip
    path = tmp_path / "redset.parquet"
    pq.write_table(table, path)
    trace = open_trace(path, settings)
    assert keys(trace) == ["aa", "bb", "aa"]
    assert trace.info.groups == ("select", "insert")
    assert trace.requests.time.tolist() == [0.0, 1.5, 2.0]
    assert trace.requests.cost.tolist() == [500.0, 20.0, 500.0]
    recorded = {column.name for column in trace.info.columns if column.recorded}
    assert recorded == {"hit", "load_time_ms", "cache_source_query_id"}


def test_the_next_access_never_becomes_a_feature(tmp_path: Path, settings: Settings) -> None:
    path = written(tmp_path, "a.csv", "time,key,size,next_access_vtime,x\n1,a,1,9,4\n2,b,1,-1,5\n")
    assert list(open_trace(path, settings, Options(format="csv")).requests.columns) == ["x"]


@pytest.mark.parametrize(
    ("tail", "costs", "hits"),
    [
        ("", None, None),
        (' "-" 0.123', [123.0], None),
        (' rt=0.040 uct="0.001" urt="0.039"', [40.0], None),
        (" 480 0.003 [up] [] 10.0.0.1:80 12 0.002 200 id", [3.0], None),
        (" 52000", [52.0], None),
        (" 0.003 HIT", [3.0], [1.0]),
    ],
)
def test_request_times_and_cache_states_behind_an_access_log(
    tail: str, costs: list[float] | None, hits: list[float] | None,
    tmp_path: Path, settings: Settings,
) -> None:  # fmt: skip
    text = line(0).rpartition(" ")[0] + tail + "\n"
    trace = open_trace(written(tmp_path, "access.log", text), settings)
    assert trace.requests.time.tolist() == [START]
    assert trace.info.costs == ("none" if costs is None else "measured")
    assert trace.requests.columns.get("hit", np.array([])).tolist() == (hits or [])
    if costs and not hits:
        assert trace.requests.cost.tolist() == costs


def test_a_common_log_reads_and_its_malformed_lines_are_told(
    tmp_path: Path, settings: Settings
) -> None:
    text = (
        '1.2.3.4 - bob smith [10/Oct/2000:13:55:36 -0700] "GET /a?x=1 HTTP/1.0" 200 2326\n'
        "\n"
        "something else\n"
        '1.2.3.4 - - [10/Oct/2000:13:55:38 -0700] "GET /\xff HTTP/1.0" 304 -\n'
        '1.2.3.4 - - [10/Oct/2000:13:55:38 -0700] "POST /a HTTP/1.0" 200 5\n'
    )
    trace = open_trace(written(tmp_path, "access.log", text.encode("latin-1")), settings)
    assert trace.requests.time.tolist() == [971211336.0, 971211338.0]
    assert trace.requests.size.tolist() == [2326, 1]
    assert trace.info.malformed == 1
    assert any("POST" in note for note in trace.info.notes)


@pytest.mark.parametrize(
    ("name", "content", "options", "told"),
    [
        ("a.csv", "", {}, "is empty"),
        ("a.csv", "time,key\n", {}, "holds no request"),
        ("a.bin", bytes(range(256)), {}, "binary and nothing tells its format"),
        ("a.csv", "time,key\n1,a\n", {"mapping": {"cache_key": "url"}}, "no column 'url'"),
        ("a.csv", "x,y\n1,a\n", {}, "no column that can be the key"),
        ("a.csv", "time,key\n1,a\n", {"format": "access-log"}, "does not read as access-log"),
        ("a.csv", "time,key\n1,a\n", {"format": "parquet"}, "is no Parquet file"),
        ("a.csv", "time,key\n1,a\n", {"format": "twitter"}, "give another --format"),
        ("a.csv", "time,key,duration_ms\n1,a,NaN\n2,b,-1\n", {}, "does not read as csv: 2 rows"),
        ("a.csv", "time,key,duration_ms\n1,a,5\n", {"unit": "h"}, "no unit 'h'"),
        ("a.csv", "time,key\n1000,a\n2000,b\n5,c\n", {}, "line 4 lies 1,995 s behind"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(
    name: str, content: str | bytes, options: dict[str, object], told: str,
    tmp_path: Path, settings: Settings,
) -> None:  # fmt: skip
    path = written(tmp_path, name, content)
    with pytest.raises(EngineError, match=told) as refused:
        open_trace(path, settings, Options(**options))  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


def test_unknown_names_and_formats_list_what_there_is(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(TraceError, match="no trace and no file 'web12'"):
        open_trace("web12", settings)
    with pytest.raises(UnknownName, match="Did you mean 'parquet'"):
        open_trace(written(tmp_path, "a.csv", "k"), settings, Options(format="parkett"))


def shared_traces() -> Path:
    """The folder named in TEST_TRACES, else the one beside this checkout."""
    folder = Path(os.environ.get("TEST_TRACES", ROOT.parent / "shared" / "traces"))
    if not folder.is_dir():
        reason = f"no shared traces in {folder} (set TEST_TRACES)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return folder


@pytest.mark.parametrize(
    ("name", "requests", "distinct", "sizes"),
    [
        ("web12.trace.xz", 95_607, 13_756, "none"),
        ("cdn-request.trace.xz", 66_987, 36_815, "recorded"),
        ("nasa_19950801.tsv.xz", 30_873, 2_088, "recorded"),
    ],
)
def test_published_traces_have_the_published_numbers(
    name: str, requests: int, distinct: int, sizes: str, settings: Settings
) -> None:
    info = open_trace(shared_traces() / name, settings).info
    assert (info.requests, info.distinct, info.sizes) == (requests, distinct, sizes)
    assert (info.costs, info.malformed) == ("none", 0)
