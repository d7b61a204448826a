from __future__ import annotations

from sqlalchemy import Engine

from engine.clock import ManualClock
from engine.leases import LEASE_S, RENEW_S, Lease


def test_only_one_engine_holds_a_lease_and_the_other_says_who(store: Engine) -> None:
    clock = ManualClock(1_000_000.0)
    ours = Lease(store, "collector", "here:1", clock)
    theirs = Lease(store, "collector", "there:2", clock)
    assert ours.hold()
    assert not theirs.hold()
    assert theirs.holder.startswith("here since ")


def test_a_lease_that_is_renewed_is_never_lost(store: Engine) -> None:
    clock = ManualClock(1_000_000.0)
    ours = Lease(store, "collector", "here:1", clock)
    theirs = Lease(store, "collector", "there:2", clock)
    for _ in range(20):
        assert ours.hold()
        assert not theirs.hold()
        clock.advance(RENEW_S)


def test_a_silent_holder_loses_it_after_its_time(store: Engine) -> None:
    clock = ManualClock(1_000_000.0)
    ours = Lease(store, "collector", "here:1", clock)
    theirs = Lease(store, "collector", "there:2", clock)
    assert ours.hold()
    clock.advance(LEASE_S - 0.1)
    assert not theirs.hold()
    clock.advance(RENEW_S)
    assert theirs.hold()
    assert not ours.hold()


def test_a_released_lease_is_free_at_once(store: Engine) -> None:
    clock = ManualClock(1_000_000.0)
    ours = Lease(store, "collector", "here:1", clock)
    assert ours.hold()
    ours.release()
    assert Lease(store, "collector", "there:2", clock).hold()


def test_a_restarted_service_takes_its_engines_lease_up_again(store: Engine) -> None:
    clock = ManualClock(1_000_000.0)
    assert Lease(store, "collector", "here:1", clock).hold()
    again = Lease(store, "collector", "here:1", clock)
    assert again.hold()
    assert again.since == 1_000_000.0
