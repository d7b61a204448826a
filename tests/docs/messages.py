"""Every text of the product's code, values as `…`: what a person may read."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from engine.settings import ROOT

PACKAGES = ("engine", "db", "mock", "dashboard")


def texts() -> Iterator[str]:
    """Each string and f-string of the sources, whose values stand as `…`."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.JoinedStr):
                    parts = [p.value if isinstance(p, ast.Constant) else "…" for p in node.values]
                    yield "".join(map(str, parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
