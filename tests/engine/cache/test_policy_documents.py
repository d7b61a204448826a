"""docs/policies.md says of every policy what its class says."""

from __future__ import annotations

from pathlib import Path

from engine.cache import POLICIES
from engine.cache.base import Policy
from engine.registry import resolve

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "policies.md").read_text()


def test_the_table_has_a_row_for_every_policy_in_order() -> None:
    rows = [line.split(" | ") for line in TEXT.splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == [f"| `{name}`" for name in POLICIES]
    for name, row in zip(POLICIES, rows, strict=True):
        policy: type[Policy] = resolve(POLICIES, name, "policy")
        assert row[1:4] == [policy.title, policy.idea, policy.paper]
        assert row[4].removesuffix(" |").strip()
