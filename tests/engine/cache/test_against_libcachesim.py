"""Policies beside an independent simulator; why some differ stands in docs/policies.md."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.cache import POLICIES
from engine.cache.base import Room
from engine.cache.slru import SLRU
from engine.registry import resolve
from engine.settings import Settings
from engine.traces.importing import open_trace
from engine.traces.trace import Requests
from tests.engine.cache.generated import zipf_with_scans

if os.environ.get("CI"):
    import libcachesim  # noqa: F401 - absent is a failure there
else:
    pytest.importorskip("libcachesim")
from tests.engine.cache.libcachesim import hit_ratio, written

SAME = 1e-4
PEERS: dict[str, tuple[str, dict[str, object], float]] = {
    "lru": ("LRU", {}, SAME),
    "fifo": ("FIFO", {}, SAME),
    "lfu": ("LFU", {}, SAME),
    "2q": ("TwoQ", {}, SAME),
    "mq": ("MQ", {}, SAME),
    "arc": ("ARC", {}, SAME),
    "s3-fifo": ("S3FIFO", {}, SAME),
    "clock2q+": ("Clock2QPlus", {}, SAME),
    "sieve": ("Sieve", {}, SAME),
    "gdsf": ("GDSF", {}, 0.004),
    "hyperbolic": ("Hyperbolic", {}, 0.004),
    "lirs": ("LIRS", {}, 0.012),
    "w-tinylfu-10": ("WTinyLFU", {"window_size": 0.1}, 0.02),
    "w-tinylfu-20": ("WTinyLFU", {"window_size": 0.2}, 0.02),
    "belady": ("Belady", {}, 0.006),
    "belady-value": ("BeladySize", {"n_samples": 128}, 0.006),
}
"""Row of POLICIES -> its name there, parameters, and the difference of hit ratios allowed."""

SIZED = ("lru", "fifo", "lfu", "mq", "sieve")
"""Whose handling of sizes is one rule in both: evict until it fits."""


def replayed(name: str, asked: Requests, capacity: int, by_bytes: bool = False) -> float:
    policy = resolve(POLICIES, name, "policy")()
    room = Room(capacity, by_bytes, asked.distinct)
    return float(policy.start_for(room, asked, 0).feed(asked).mean())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Requests, str]:
    asked = zipf_with_scans()
    return asked, written(asked, tmp_path_factory.mktemp("zipf"))


@pytest.mark.parametrize("share", [0.02, 0.1])
@pytest.mark.parametrize("name", PEERS)
def test_it_agrees_on_generated_requests(
    name: str, share: float, made: tuple[Requests, str]
) -> None:
    asked, path = made
    capacity = int(asked.distinct * share)
    peer, own, allowed = PEERS[name]
    assert replayed(name, asked, capacity) == pytest.approx(
        hit_ratio(peer, path, capacity, own), abs=allowed
    )


def test_lhd_is_no_worse_for_learning_early(made: tuple[Requests, str]) -> None:
    # Theirs learns for the first time after a million requests, ours after 16,384.
    asked, path = made
    for share in (0.02, 0.1):
        capacity = int(asked.distinct * share)
        assert replayed("lhd", asked, capacity) > hit_ratio("LHD", path, capacity, {}) - 0.01


def test_four_equal_segments_agree(made: tuple[Requests, str]) -> None:
    asked, path = made
    capacity = 400
    found = SLRU((0.25,) * 4).start(Room(capacity, False, asked.distinct)).feed(asked).mean()
    assert found == pytest.approx(hit_ratio("SLRU", path, capacity, {}), abs=0.002)


def recorded(name: str, folder: Path) -> tuple[Requests, str]:
    """A published trace, where there is one."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "traces"
    path = Path(os.environ.get("TEST_TRACES", beside)) / name
    if not path.is_file():
        reason = f"no trace {path} (set TEST_TRACES)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    asked = open_trace(path, Settings(data_dir=folder)).requests
    return asked, written(asked, folder)


@pytest.mark.parametrize(
    ("name", "share"), [("web12.trace.xz", 0.1), ("nasa_19950801.tsv.xz", 0.1)]
)
def test_it_agrees_on_published_traces(name: str, share: float, tmp_path: Path) -> None:
    asked, path = recorded(name, tmp_path)
    capacity = int(asked.distinct * share)
    found = {policy: replayed(policy, asked, capacity) for policy in PEERS}
    theirs = {
        policy: hit_ratio(peer, path, capacity, own) for policy, (peer, own, _) in PEERS.items()
    }
    far = {
        policy: (found[policy], theirs[policy])
        for policy, (_, _, allowed) in PEERS.items()
        if abs(found[policy] - theirs[policy]) > allowed
    }
    assert not far


def test_it_agrees_on_published_sizes(tmp_path: Path) -> None:
    asked, _ = recorded("cdn-request.trace.xz", tmp_path)
    path = written(asked, tmp_path, by_bytes=True)
    capacity = 28_000_000
    for name in SIZED:
        theirs = hit_ratio(PEERS[name][0], path, capacity, {}, by_bytes=True)
        assert replayed(name, asked, capacity, by_bytes=True) == pytest.approx(theirs, abs=SAME)
