"""The quick way to take access logs apart finds what the pattern finds, whatever the lines hold."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.traces.access_log import _PATTERN, LogLine
from engine.traces.base import Faults
from engine.traces.lines import Block
from engine.traces.log_columns import columns_of
from engine.traces.options import LINE, Options
from tests.engine.traces.logs import line

USERS = ["-", "bob", "bob smith", '"', "a\\b"]
REQUESTS = [
    "GET /a HTTP/1.1", "GET /a", "-", "GET  /b x", "get /c?x=1 HTTP/1.0", "GET /q\\x22", "",
    "POST /é", "GET\t/a", "GET /a\rb",
]  # fmt: skip
AGENTS = ["-", "curl/8", "a b c", 'say \\"hi\\"', "rt=9.9", "", "it's 1.5 beta"]
TAILS = [
    "",
    " 0.123",
    ' "-" 0.123',
    ' rt=0.040 uct="0.001"',
    " 52000",
    " 0.003 HIT",
    " 0.1, 0.2",
    " x",
]
lines = st.one_of(
    st.builds(
        lambda user, at, request, size, pair, tail: (
            f'10.0.0.1 - {user} [{at}] "{request}" 200 {size}{pair}{tail}'
        ),
        st.sampled_from(USERS),
        st.sampled_from(["10/Oct/2023:13:55:36 +0000", "1/Oct/2023:13:55:36 -0700", "-", "x y"]),
        st.sampled_from(REQUESTS),
        st.sampled_from(["17", "-", "x"]),
        st.builds('{0} "-" "{1}"'.format, st.just(""), st.sampled_from(AGENTS)) | st.just(""),
        st.sampled_from(TAILS),
    ),
    st.sampled_from(["", " ", "garbage", '"', 'a "b', "\r", "1 2 3 4 5 6 7 8 9 10 11 12"]),
)


def plain(number: int) -> str:
    return line(number).replace('\\"', "'")


def told(table: pa.Table | None) -> str | None:
    return None if table is None else repr(table.to_pydict())


@settings(deadline=None, max_examples=300)
@given(st.lists(lines, min_size=1, max_size=12))
def test_it_finds_what_the_pattern_finds(drawn: list[str]) -> None:
    block = Block("\n".join(drawn).encode())
    quick, exact = LogLine(Options(), Faults()), LogLine(Options(), Faults())
    exact.fields = lambda block: exact.matched(block.lines)  # type: ignore[method-assign]
    assert told(quick.parse(block, 1)) == told(exact.parse(block, 1))
    assert quick.faults.count == exact.faults.count
    assert quick.faults.left_out == exact.faults.left_out


@pytest.mark.parametrize("bad", ["garbage", 'a "b', line(2), "", '"'])
def test_one_odd_line_leaves_the_others_to_the_quick_way(bad: str) -> None:
    drawn = [plain(0), bad, plain(1), *(plain(number) for number in range(3, 50))]
    block = Block("\n".join(drawn).encode())
    _, places = columns_of(block, _PATTERN)
    assert places.tolist() == [0, *range(2, 50)]
    table = LogLine(Options(), Faults()).parse(block, 1)
    assert table is not None
    numbers = table.column(LINE).to_pylist()
    assert [number for number in numbers if number != 2] == [1, *range(3, 51)]


def test_bytes_that_are_no_text_are_left_to_the_pattern() -> None:
    block = Block(plain(0).encode() + b"\n" + plain(1).replace("/items", "/\xff").encode("latin-1"))
    assert len(columns_of(block, _PATTERN)[1]) == 0
    table = LogLine(Options(), Faults()).parse(block, 1)
    assert table is not None
    assert len(table) == 2
