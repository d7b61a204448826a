"""The reference is what the code says now."""

from __future__ import annotations

from engine.settings import known_names
from engine.tunables import TUNABLES
from tests.docs.reference import FAMILIES, FILE, made


def test_the_reference_is_up_to_date() -> None:
    assert FILE.read_text() == made(), "run `python -m tests.docs.reference`"


def test_it_names_everything() -> None:
    text = made()
    names = [*known_names(), *TUNABLES, *(name for table in FAMILIES.values() for name in table)]
    assert [name for name in names if f"| `{name}` |" not in text] == []
    assert "| `train` |" in text
    assert "| `models promote` |" in text
