"""serving.py: the modules of `engine.export.serving` joined into one file of its own."""

from __future__ import annotations

import ast
from pathlib import Path

from engine.export.base import Exporter, Subject

PACKAGE = Path(__file__).with_name("serving")
OURS = "engine.export.serving"

MODULES = (
    "errors",
    "policy",
    "tables",
    "tracker",
    "worth",
    "segments",
    "cache",
    "decorator",
    "replay",
    "main",
)
"""In the order in which they build on each other."""

_HEAD = '''"""Serve a policy that Cachescope exported: one file, for programs without Cachescope.

Needs Python 3.11, NumPy and onnxruntime. Written by the export; change it as you like.

    policy = Policy("folder of the export")
    policy.decide(candidates)                        # float32[N, K, features] -> int64[N]
    cache = LearnedCache("folder of the export")     # a mapping, as those of cachetools
    @cached("folder of the export")                  # a decorator
    python serving.py FOLDER                         # does it decide here as where it was made?
"""
'''


class ServingFile(Exporter):
    """One Python file that loads and uses the export it lies in."""

    file = "serving.py"

    def write(self, subject: Subject, folder: Path) -> None:  # noqa: ARG002 - the same for all
        """Write the file."""
        (folder / self.file).write_text(joined(), encoding="utf-8")


def joined() -> str:
    """The text of the file: imports of all modules first, then their bodies."""
    imports: dict[str, None] = {"from __future__ import annotations": None}
    bodies: list[str] = []
    for name in MODULES:
        found, body = _parts((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))
        imports.update(dict.fromkeys(found))
        bodies.append(body)
    return "\n".join([_HEAD, *imports, "", "", "\n\n\n".join(bodies), ""])


def _parts(source: str) -> tuple[list[str], str]:
    """The top-level imports of others' modules, and the text after them and the docstring."""
    tree = ast.parse(source)
    imports, last = [], 0
    for node in tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (is_docstring or isinstance(node, ast.Import | ast.ImportFrom)):
            break
        last = node.end_lineno or last
        if isinstance(node, ast.Import) or (
            isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(OURS)
        ):
            imports.append(ast.unparse(node))
    return imports, "\n".join(source.splitlines()[last:]).strip()
