"""What documents point to exists, and what they quote of an example stands in it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from engine.settings import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_log_format_shown_is_that_of_the_example() -> None:
    shown = (ROOT / "docs" / "how-to" / "nginx.md").read_text()
    (block,) = re.findall(r"```nginx\n(.*?)```", shown, re.DOTALL)
    assert block in (ROOT / "examples" / "nginx" / "nginx.conf").read_text()


def test_the_secrets_are_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    shown = (ROOT / "docs" / "containers.md").read_text().splitlines()
    line = next(line for line in shown if line.startswith("for name in MARIADB_PASSWORD"))
    made = []
    for _ in range(2):
        subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
        made.append((tmp_path / ".env").read_text())
    assert re.fullmatch(r"MARIADB_PASSWORD=[0-9a-f]{48}\nAPI_TOKEN=[0-9a-f]{48}\n", made[0])
    assert made[0] == made[1], "a second run keeps what the volume knows"
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
