"""Other languages decide as the network does, a thousand times.

What they are built of is kept in pytest's cache, so that only the first run compiles and installs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.consumers.run import DECISIONS, NotRunError, decide, java_tools
from tests.engine.models.trained import policy

LANGUAGES = ["C++", "JavaScript", *(["Java"] if java_tools() else [])]


@pytest.fixture(scope="session")
def tools(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = getattr(request.config, "cache", None)
    return kept.mkdir("consumers") if kept is not None else tmp_path_factory.mktemp("consumers")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thousand_decisions_are_equal(language: str, folder: Path, tools: Path) -> None:
    try:
        found, expected = decide(language, folder, tools, policy().networks["ppo"])
    except NotRunError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{language} cannot run here: {error}")
    assert len(expected) == DECISIONS
    assert found == expected
