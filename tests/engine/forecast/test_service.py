"""From rollups to a burst on the queue, and what the service says when something is amiss."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, select

from db import writes
from db.queries import forecasts
from db.session import reading
from db.tables import predictions, rollups
from engine.broker.base import Counters, Message, PutReply
from engine.clock import ManualClock
from engine.collector.sums import Sums
from engine.errors import BrokerError
from engine.forecast import FORECASTERS, service, train
from engine.forecast.backtest import Score, Verdict, least_intervals
from engine.forecast.base import Config
from engine.forecast.chooser import Chooser
from engine.forecast.retrain import Retraining
from engine.forecast.round import message
from engine.forecast.series import SeriesBook
from engine.forecast.service import Forecasting
from engine.forecast.tuning import config_of
from engine.records import OTHER, TOTAL, Prediction
from engine.settings import Settings, load_settings
from engine.sources import active_source
from engine.tunables import Tuned

START = 1_700_000_000


class Queue:
    """Stands for the queue's client."""

    def __init__(self) -> None:
        self.bursts: list[Sequence[Message]] = []
        self.overwrites = 0
        self.is_away = False

    def put_many(self, messages: Sequence[Message]) -> PutReply:
        if self.is_away:
            raise BrokerError("The queue did not answer; it is tried again.")
        self.bursts.append(messages)
        gone = tuple(f"old{number}" for number in range(self.overwrites))
        return PutReply(len(messages), 0, gone, Counters(1, 0, 0, 0, 0, 0, 0, 0, 0))

    def close(self) -> None:
        pass


@pytest.fixture
def settings(tmp_path: Path, sqlite_store: Engine) -> Settings:
    return load_settings(
        DATABASE_URL=str(sqlite_store.url), CACHESCOPE_DATA_DIR=str(tmp_path / "data")
    )


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = Queue()
    monkeypatch.setattr(service, "connect", lambda *_, **__: queue)
    monkeypatch.setattr(Retraining, "consider", lambda *_: None)
    return queue


def fill(store: Engine, source: int, seconds: int, names: Sequence[str] = ("/a", "/b")) -> None:
    rows: list[dict[str, Any]] = []
    for at in range(START, START + seconds):
        total = Sums()
        for weight, name in enumerate(names, 1):
            sums = Sums()
            for _ in range(weight):
                sums.request(False, False, 10.0 * weight, 100, 0.0)
            sums.request(True, False, 0.5, 100, 9.0)
            total.merge(sums)
            rows.append(sums.row(source, "recorded", 1, at, name))
        rows.append(total.row(source, "recorded", 1, at, TOTAL))
    writes.upsert(store, rollups, rows)
    writes.update_source(store, source, watermark=float(START + seconds))


def predicted(queue: Queue) -> list[Prediction]:
    return [msgspec.json.decode(message.payload, type=Prediction) for message in queue.bursts[-1]]


def test_a_round_is_one_burst_and_the_same_rows(
    settings: Settings, sqlite_store: Engine, queue: Queue
) -> None:
    work = Forecasting(settings, sqlite_store)
    fill(sqlite_store, work.source.id, 60)
    now = START + 60 + 1.5
    assert work.work(now)
    assert not work.work(now + 0.5)
    made = predicted(queue)
    assert {one.cache_name for one in made} == {"/a", "/b"}
    for one in made:
        assert (one.valid_from, one.valid_until) == (START + 65, START + 70)
        assert one.forecaster == "last"
        assert len(one.demand) == 6
    busy = next(one for one in made if one.cache_name == "/b")
    assert busy.demand[0] == pytest.approx(15.0)
    assert busy.load_time_ms[0] == pytest.approx(20.0)
    with reading(sqlite_store) as connection:
        stored = connection.execute(select(predictions.c.id)).scalars().all()
    assert set(stored) == {one.id for one in made}
    record = message(busy, ManualClock(START + 61.5))
    assert record.id == busy.id
    assert record.expires_ns - record.sent_ns == pytest.approx(8.5e9)


def test_an_overwrite_is_counted_and_warned_of(
    settings: Settings, sqlite_store: Engine, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    work = Forecasting(settings, sqlite_store)
    fill(sqlite_store, work.source.id, 60)
    queue.overwrites = 3
    with caplog.at_level(logging.WARNING):
        work.work(START + 61.5)
        work.work(START + 66.5)
    assert work.overwritten == 6
    assert "overwrote 3 predictions" in caplog.text


def test_a_queue_that_is_away_degrades_and_recovers(
    settings: Settings, sqlite_store: Engine, queue: Queue
) -> None:
    work = Forecasting(settings, sqlite_store)
    fill(sqlite_store, work.source.id, 60)
    queue.is_away = True
    work.work(START + 61.5)
    assert "did not answer" in work.trouble
    queue.is_away = False
    work.work(START + 66.5)
    assert work.trouble == ""


def test_a_collector_far_behind_is_said_and_nothing_is_sent(
    settings: Settings, sqlite_store: Engine, queue: Queue
) -> None:
    work = Forecasting(settings, sqlite_store)
    fill(sqlite_store, work.source.id, 60)
    work.work(START + 600.0 + 3)
    assert "behind" in work.trouble
    assert not queue.bursts


def test_a_collector_that_is_just_starting_is_no_trouble(
    settings: Settings, sqlite_store: Engine, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Forecasting(settings, sqlite_store)
    work.work(START + 1.5)
    assert work.trouble == ""
    later = time.monotonic() + service.PATIENCE_S + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    work.work(START + 6.5)
    assert work.trouble == "Nothing has been collected yet; is the collector running?"


def test_a_nonsensical_tunable_in_the_store_changes_nothing(
    settings: Settings, sqlite_store: Engine, queue: Queue
) -> None:
    work = Forecasting(settings, sqlite_store)
    fill(sqlite_store, work.source.id, 60)
    writes.set_tunable(sqlite_store, "forecast.interval_s", "soon", "test")
    writes.set_tunable(sqlite_store, "forecast.horizon", 3, "test")
    work.work(START + 61.5)
    assert predicted(queue)[0].interval_s == 5.0
    assert len(predicted(queue)[0].demand) == 3


def test_what_lies_beyond_fifty_endpoints_is_pooled(
    settings: Settings, sqlite_store: Engine
) -> None:
    source = active_source(settings, sqlite_store)
    fill(sqlite_store, source.id, 30, [f"/{number:02d}" for number in range(60)])
    book = SeriesBook(sqlite_store, source.id, 5)
    book.refresh(START + 30.0)
    series = book.series(START + 30.0)
    assert len(series.endpoints) == 51
    assert series.endpoints[-1] == OTHER
    per_second = sum(number + 1 for number in range(60)) + 60
    assert series.demand[-1].sum() == 5 * per_second


def test_reading_a_little_at_a_time_gives_the_series_read_at_once(
    settings: Settings, sqlite_store: Engine
) -> None:
    source = active_source(settings, sqlite_store)
    book = SeriesBook(sqlite_store, source.id, 5)
    for seconds in (20, 33, 61, 90):
        fill(sqlite_store, source.id, seconds)
        book.refresh(float(START + seconds))
    whole = SeriesBook(sqlite_store, source.id, 5)
    whole.refresh(START + 90.0)
    one, other = book.series(START + 90.0), whole.series(START + 90.0)
    assert (one.demand == other.demand).all()
    assert (one.load_time_ms == other.load_time_ms).all()


def test_time_before_a_silence_of_the_sample_is_left_out(
    settings: Settings, sqlite_store: Engine
) -> None:
    source = active_source(settings, sqlite_store)
    fill(sqlite_store, source.id, 400)
    with sqlite_store.begin() as connection:
        connection.execute(rollups.delete().where(rollups.c.at.between(START + 50, START + 200)))
    book = SeriesBook(sqlite_store, source.id, 5)
    book.refresh(START + 400.0)
    assert len(book.series(START + 400.0)) < 41


def test_training_keeps_a_checkpoint_and_everybodys_scores(
    settings: Settings, sqlite_store: Engine, queue: Queue
) -> None:
    for name, value in (("window", 8), ("horizon", 2), ("hidden_size", 4), ("season_s", 30)):
        writes.set_tunable(sqlite_store, f"forecast.{name}", value, "test")
    work = Forecasting(settings, sqlite_store)
    fill(sqlite_store, work.source.id, 400)
    verdict = train.train(settings, sqlite_store, work.source, lambda *_: None)
    scores = forecasts.scores(sqlite_store, work.source.id)
    assert {row["forecaster"] for row in scores} == {"lstm", "last", "seasonal"}
    assert {row["forecaster"] for row in scores if row["chosen"]} == {verdict["chosen"]}
    work.work(START + 401.5)
    assert predicted(queue)[0].forecaster == verdict["chosen"]


def test_another_trained_forecaster_is_one_row_of_the_table(
    settings: Settings, sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, kind in (("one", "One"), ("one-more", "OneMore")):
        monkeypatch.setitem(FORECASTERS, name, f"tests.engine.forecast.trained:{kind}")
    monkeypatch.delitem(FORECASTERS, "lstm")
    source = active_source(settings, sqlite_store)
    fill(sqlite_store, source.id, 400)
    train.train(settings, sqlite_store, source, lambda *_: None)
    chooser = Chooser(settings, sqlite_store, source.id)
    series = train.read_series(sqlite_store, source, Config())
    for name in ("one", "one-more"):
        judged(sqlite_store, source.id, name)
        assert chooser.choose(name, config_of(Tuned()), series).name == name
        assert chooser.damage == ""


def judged(store: Engine, source: int, chosen: str) -> None:
    """One judgement of many forecasters on many endpoints, the chosen one's first."""
    names = [chosen, *(f"other-{number}" for number in range(8))]
    scores = [
        Score(name, place, 9, 1.0, 1.0, 1.0, 0.8)
        for name in names
        for place in (TOTAL, *(f"/{number}" for number in range(50)))
    ]
    train.keep_scores(store, source, scores, Verdict(chosen, "a test says so"), time.time() + 9)


def test_a_verdict_is_found_among_the_scores_of_many_endpoints(
    settings: Settings, sqlite_store: Engine
) -> None:
    source = active_source(settings, sqlite_store)
    fill(sqlite_store, source.id, 400)
    judged(sqlite_store, source.id, "seasonal")
    chooser = Chooser(settings, sqlite_store, source.id)
    series = train.read_series(sqlite_store, source, Config())
    assert chooser.choose("lstm", config_of(Tuned()), series).name == "seasonal"
    assert chooser.note == "a test says so"


def test_the_first_training_is_not_wasted(settings: Settings, sqlite_store: Engine) -> None:
    source = active_source(settings, sqlite_store)
    writes.set_tunable(sqlite_store, "forecast.hidden_size", 4, "test")
    config = config_of(Tuned())
    intervals = least_intervals(config) + 1  # the first one may have begun before it was recorded
    fill(sqlite_store, source.id, round(intervals * config.interval_s))
    verdict = train.train(settings, sqlite_store, source, lambda *_: None)
    assert verdict["intervals"] == least_intervals(config)
    assert "lstm" in {row["forecaster"] for row in forecasts.scores(sqlite_store, source.id)}


def test_too_few_rows_are_no_error_and_say_so(settings: Settings, sqlite_store: Engine) -> None:
    source = active_source(settings, sqlite_store)
    fill(sqlite_store, source.id, 40)
    verdict = train.train(settings, sqlite_store, source, lambda *_: None)
    assert verdict["chosen"] == "last"
    assert "too few" in verdict["note"]
