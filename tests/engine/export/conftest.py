"""One export for all tests of this folder: writing and verifying one takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.base import Subject
from engine.export.writing import Exported, export
from tests.engine.models.trained import policy


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    root = tmp_path_factory.mktemp("exports")
    made = export(Subject(policy(), "ppo", {"id": 1}), root, root / "model-1", lambda *_: False)
    assert made is not None
    return made


@pytest.fixture(scope="session")
def folder(exported: Exported) -> Path:
    return Path(exported.folder)
