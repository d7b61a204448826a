"""Each message that the troubleshooting page quotes is one that the code says."""

from __future__ import annotations

import re

import pytest

from engine.settings import ROOT
from tests.docs.messages import texts

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
QUOTED = re.findall(r"^> (.+)$", PAGE, re.MULTILINE)


def plain(text: str) -> str:
    """A text as it is compared: neighbouring values as one, without the last full stop."""
    return re.sub(r"…+", "…", text.replace("{file}", "…")).strip().removesuffix(".")


SAID = {plain(text) for text in texts()}


@pytest.mark.parametrize("message", QUOTED)
def test_the_code_says_it(message: str) -> None:
    assert plain(message) in SAID


def test_a_message_that_nobody_says_is_found() -> None:
    assert len(QUOTED) > 20
    assert plain("The disk … is too round; turn it.") not in SAID
