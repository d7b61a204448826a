"""Rules of the dashboard that a reader of the source could break without noticing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.navigation import PAGES
from engine.settings import ROOT

FILES = sorted((ROOT / "dashboard").rglob("*.py"))
LOOKING = {"doctor", "train-suggest"}
"""Buttons that change nothing; so do those of dialogs that end in -no."""

REFUSED = ("use_container_width", "unsafe_allow_html", "st.experimental", "use_column_width")


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node


@pytest.mark.parametrize("word", REFUSED)
def test_nothing_outdated_or_unsafe_is_used(word: str) -> None:
    assert [path.name for path in FILES if word in path.read_text()] == []


def test_every_chart_and_table_has_a_key_and_words_for_those_who_cannot_see_it() -> None:
    drawn = 0
    for path in FILES:
        for call in calls(path):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            if name in {"altair_chart", "dataframe"}:
                drawn += 1
                given = {keyword.arg for keyword in call.keywords}
                assert {"key", "alt"} <= given, f"{path.name}:{call.lineno}"
    assert drawn > 5


def test_charts_know_nothing_of_streamlit() -> None:
    for path in (ROOT / "dashboard" / "charts").glob("*.py"):
        assert "import streamlit" not in path.read_text(), path.name


def test_every_row_of_the_menu_is_a_file_and_every_file_a_row() -> None:
    files = {path.stem for path in (ROOT / "dashboard" / "views").glob("*.py")}
    assert files == {row.file for row in PAGES}


def test_the_dashboard_process_never_loads_torch() -> None:
    code = (
        "import sys; sys.argv = ['x']\n"
        "from streamlit.testing.v1 import AppTest\n"
        "import dashboard.lifespan\n"
        "app = AppTest.from_file('dashboard/main.py', default_timeout=60).run()\n"
        "for name in ('forecaster', 'agent', 'traffic', 'queue', 'system', 'policies', 'trainer',\n"
        "             'models', 'experiments'):\n"
        "    app.switch_page(f'views/{name}.py').run()\n"
        "heavy = {'torch', 'stable_baselines3', 'numba', 'optuna'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "HEAVY []" in said.stdout, said.stderr[-2000:]


def test_a_button_that_changes_something_is_one_that_a_viewer_cannot_press() -> None:
    found = 0
    for path in FILES:
        for call in calls(path):
            if not isinstance(call.func, ast.Attribute) or call.func.attr != "button":
                continue
            owner = call.func.value
            assert isinstance(owner, ast.Name), f"{path.name}:{call.lineno}"
            if owner.id == "operating" or path.name in {"operating.py", "visiting.py"}:
                found += 1
                continue
            (key,) = (
                ast.unparse(one.value).strip("'") for one in call.keywords if one.arg == "key"
            )
            assert key in LOOKING or key.endswith("-no"), f"{path.name}:{call.lineno}"
    assert found > 20
