"""What a log holds: lines, and tracebacks of our own errors alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from engine.logs import configure


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_connection_that_breaks_on_its_way_back_to_the_pool_is_told_in_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure()
    engine = create_engine("sqlite://")

    def broken(_connection: object) -> None:
        raise OSError("lost")

    given = engine.raw_connection()
    engine.dialect.do_rollback = broken  # type: ignore[method-assign, assignment]
    given.close()
    told = capsys.readouterr().err
    assert "sqlalchemy.pool" in told
    assert "reset" in told
    assert "lost" in told
    assert "Traceback" not in told


def test_an_error_of_our_own_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    try:
        raise ValueError("ours")
    except ValueError:
        logging.getLogger("engine").exception("it broke")
    assert "Traceback" in capsys.readouterr().err
