"""Machine code kept on disk: used again, and dropped when a helper's file changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.cache.jit import settled

ROOT = Path(__file__).resolve().parents[3]
HELPER = "from engine.cache.jit import helper\n@helper\ndef add(n):\n    return n + {}\n"
CALLER = """
from engine.cache.jit import compiled
{}
@compiled
def run(n):
    return {}(n)
"""
MAIN = "from whole import run; print(run(1), sum(run.stats.cache_hits.values()))"


def ran(folder: Path) -> list[str]:
    path = os.pathsep.join((str(ROOT), str(folder)))
    return subprocess.run(
        [sys.executable, "-c", MAIN],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()


@pytest.mark.parametrize(
    ("imported", "called"), [("from part import add", "add"), ("import part", "part.add")]
)
def test_code_is_kept_until_the_file_of_a_helper_changes(
    imported: str, called: str, tmp_path: Path
) -> None:
    (tmp_path / "whole.py").write_text(CALLER.format(imported, called))
    (tmp_path / "part.py").write_text(HELPER.format(10))
    assert ran(tmp_path) == ["11", "0"]
    assert ran(tmp_path) == ["11", "1"]
    (tmp_path / "part.py").write_text(HELPER.format(20))
    assert ran(tmp_path) == ["21", "0"]


def test_settled_arrays_are_of_one_type_and_copy_only_what_they_must() -> None:
    fits = np.arange(5, dtype=np.int32)
    for values in (fits, fits[::-1], [0, 1], fits.astype(np.int64)):
        found = settled(values, np.int32)
        assert found.flags.c_contiguous
        assert not found.flags.writeable
        assert found.dtype == np.int32
        assert found.tolist() == list(values)
    assert np.shares_memory(settled(fits, np.int32), fits)
    assert fits.flags.writeable
