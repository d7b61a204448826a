"""The tutorial, command by command, as a reader would type it."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from engine import cli
from engine.settings import ROOT

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
PYTHON = ".venv/bin/python -m "


def blocks(language: str) -> list[str]:
    """The code blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", TUTORIAL, re.MULTILINE | re.DOTALL)


def typed(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do one command of the tutorial in this process: torch is imported once."""
    module, *words = shlex.split(line.removeprefix(PYTHON))
    if module == "engine":
        assert cli.main(words) == 0, line
        return
    with monkeypatch.context() as patched:
        patched.setattr(sys, "argv", [module, *words])
        runpy.run_module(module, run_name="__main__")


def test_every_command_works_from_the_log_to_the_exported_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CACHESCOPE_LOG_DIR", str(tmp_path / "logs"))
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    assert len(lines) == 10
    for line in lines:
        assert line.startswith(PYTHON), line
        typed(line, monkeypatch)
    said = capsys.readouterr().out
    assert "Costs: measured." in said
    assert "4,000 requests" in said
    folder = tmp_path / "data" / "exports" / "shop"
    named = re.findall(
        r"`([a-z]+\.[a-z]+)`", TUTORIAL.partition("holds ")[2].partition("In your")[0]
    )
    assert named
    assert all((folder / name).is_file() for name in named)
    monkeypatch.syspath_prepend(str(folder))
    (program,) = blocks("python")
    space: dict[str, object] = {"folder": folder}
    exec(program, space)  # noqa: S102 - the document's own program
    cache = space["cache"]
    assert len(cache) == 3  # type: ignore[arg-type]
    sys.modules.pop("serving", None)
