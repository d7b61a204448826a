"""What is remembered of keys, against plain definitions over the whole past."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.cache.base import Room
from engine.cache.features import BASE, FEATURES, NAMES, column_matrix
from engine.cache.history import keys_remembered
from engine.errors import TrainingError
from engine.traces.trace import Requests
from engine.training import item_rows as rows_of
from engine.training.item_rows import ItemRows, item_rows
from tests.engine.training.generated import requests

ROOM = Room(60, by_bytes=False, distinct=1_200)
LIFETIME = 200.0


@pytest.fixture(autouse=True)
def fixed_lifetime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_of, "lifetime", lambda *_: LIFETIME)


def rows(made: Requests, columns: tuple[str, ...] = ()) -> ItemRows:
    return item_rows(made, ROOM, columns)


def defined(made: Requests, then: int, now: int) -> dict[str, float]:
    """Features of the key asked for at `then`, seen at `now`, by their definitions."""
    key = made.key[then]
    at = np.flatnonzero(made.key[: then + 1] == key)
    gaps = np.diff(at)[::-1]
    found = {
        "age": np.log2(1 + now - then),
        "known_for": np.log2(1 + now - at[0]),
        "mean_gap": np.log2((1 + now - at[0]) / len(at)),
    }
    found = {name: value - np.log2(LIFETIME) for name, value in found.items()}
    for number in range(4):
        gap = np.log2(1 + gaps[number]) - np.log2(LIFETIME) if number < len(gaps) else 8.0
        found[f"gap_{number + 1}"] = gap
        half_life = LIFETIME * 4.0 ** (number - 1)
        found[f"rate_{number + 1}"] = np.log2(0.01 + (0.5 ** ((now - at) / half_life)).sum())
    found["count"] = np.log2(len(at))
    found["size"] = np.log2(made.size[at[0]])
    same = np.flatnonzero(made.group[: now + 1] == made.group[then])
    found["group_age"] = np.log2(1 + now - same[-1]) - np.log2(LIFETIME)
    return found


def test_features_are_what_their_definitions_say() -> None:
    made = requests()
    items = rows(made)
    for row in np.random.default_rng(1).integers(len(items.at), size=60):
        then = int(items.at[row])
        for check in (0, 2, 4):
            now = then + int(items.ages[check])
            if now >= min(items.again[row], len(made)):
                continue
            for name, value in defined(made, then, now).items():
                seen = items.rows[row, check, NAMES.index(name)]
                assert seen == pytest.approx(value, abs=2e-4), (name, then, now)


def test_an_endpoints_reuse_is_the_running_share_of_known_keys() -> None:
    made = requests(3_000)
    share, known = 0.5, set[int]()
    items = rows(made)
    for now, key in enumerate(made.key.tolist()):
        if made.group[now] == 1:
            share += 0.002 * ((key in known) - share)
        known.add(key)
        row = items.row_of[now]
        if made.group[now] == 1 and row >= 0:
            seen = items.rows[row, 0, NAMES.index("group_reuse")]
            assert seen == pytest.approx(share, abs=1e-5)


def shuffled_after(made: Requests, cut: int) -> Requests:
    order = np.arange(len(made))
    np.random.default_rng(3).shuffle(order[cut:])
    whole = dataclasses.replace(
        made,
        key=made.key[order],
        group=made.group[order],
        size=made.size[order],
        cost=made.cost[order],
        columns={name: values[order] for name, values in made.columns.items()},
    )
    assert (whole.key[cut:] != made.key[cut:]).any()
    return whole


def known_before(items: ItemRows, cut: int) -> NDArray[np.float32]:
    """The features of requests before `cut`, at those checks that come before it too."""
    early = items.at < cut
    seen_at = items.at[early, None] + items.ages[None]
    return np.where((seen_at < cut)[:, :, None], items.rows[early], 0)


def test_another_future_changes_no_row_of_the_past() -> None:
    made, cut = requests(), 7_000
    past, other = (known_before(rows(m), cut) for m in (made, shuffled_after(made, cut)))
    assert past.any()
    assert np.array_equal(past, other)


def test_no_column_of_the_recording_reaches_the_rows_unless_chosen() -> None:
    made = requests()
    without = rows(made)
    flipped = dataclasses.replace(made, columns={"hit": 1 - made.columns["hit"]})
    assert without.features == NAMES
    assert np.array_equal(without.rows, rows(flipped).rows)
    chosen = rows(made, ("hit",))
    assert chosen.features == (*NAMES, "hit")
    assert (chosen.rows[:, 0, BASE] == made.columns["hit"][chosen.at]).all()


def test_a_missing_value_reads_as_the_columns_mean() -> None:
    made = requests()
    values = made.columns["weekday"].copy()
    values[::2] = np.nan
    items = rows(dataclasses.replace(made, columns={"weekday": values}), ("weekday",))
    mean = float(np.nanmean(values))
    missing = items.at % 2 == 0
    assert items.rows[missing, 0, BASE] == pytest.approx(mean)
    assert items.mean[BASE] == pytest.approx(mean)


def test_an_unknown_column_is_named_with_those_there_are() -> None:
    with pytest.raises(TrainingError, match=r"no column 'colour'.*weekday, hit"):
        column_matrix(requests(100), ("colour",))


def test_what_is_remembered_is_bounded_by_the_cache() -> None:
    assert keys_remembered(10) == 4096
    assert keys_remembered(10_000) == 80_000


def test_every_feature_is_described() -> None:
    assert len(FEATURES) == 24
    assert len(set(NAMES)) == 24
    assert all(feature.unit and feature.meaning for feature in FEATURES)
