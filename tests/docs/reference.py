"""Makes docs/reference.md from the code: `python -m tests.docs.reference`."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from msgspec import structs

from engine import cli
from engine.agent import AGENTS
from engine.broker import BROKERS
from engine.cache import POLICIES
from engine.forecast import FORECASTERS
from engine.secret import Secret
from engine.services import SERVICES
from engine.settings import ROOT, Settings
from engine.traces import READERS
from engine.training import ALGORITHMS
from engine.tunables import TUNABLES, Tunable

FILE = ROOT / "docs" / "reference.md"
INTRODUCTION = """# Reference

Made from the code by `.venv/bin/python -m tests.docs.reference`; a test fails where the two differ.
"""
FAMILIES = {
    "Policies": POLICIES,
    "Training algorithms": ALGORITHMS,
    "Forecasters": FORECASTERS,
    "Agents": AGENTS,
    "Queue back ends": BROKERS,
    "Formats of traces": READERS,
}


def _comments() -> dict[str, str]:
    """Setting -> the comment above it in .env.example."""
    found: dict[str, str] = {}
    above = ""
    for line in (ROOT / ".env.example").read_text().splitlines():
        name, equals, _ = line.removeprefix("# ").partition("=")
        if equals and name.isupper():
            found[name] = above
        else:
            above = line.strip("# -").removesuffix(":")
    return found


_COMMENTS = _comments()


def made() -> str:
    """The whole page."""
    parts = [INTRODUCTION, _settings(), _tunables(), _services(), _commands()]
    parts += [_family(title, table) for title, table in FAMILIES.items()]
    return "\n".join(parts)


def _settings() -> str:
    told = _field_docs()
    rows = []
    for field in structs.fields(Settings):
        shown = field.encode_name
        default = "" if field.default in (None, Secret()) else str(field.default)
        text = told.get(field.name) or _COMMENTS.get(shown, "")
        rows.append((f"`{shown}`", f"`{default}`" if default else "", text))
    return _table("Settings", ("setting", "default", "what it is"), rows)


def _field_docs() -> dict[str, str]:
    """Field -> the text below it in the class."""
    tree = ast.parse((ROOT / "engine" / "settings.py").read_text())
    body = next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings")
    told: dict[str, str] = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            told[field.target.id] = str(text.value.value) if is_text else ""  # type: ignore[attr-defined]
    return told


def _tunables() -> str:
    rows = [
        (f"`{name}`", f"`{one.default}`", _range(one), one.help) for name, one in TUNABLES.items()
    ]
    return _table("Tunables", ("tunable", "default", "values", "what it is"), rows)


def _range(one: Tunable) -> str:
    if one.choices:
        return ", ".join(one.choices)
    if isinstance(one.default, bool):
        return "true, false"
    return f"{one.low:g} to {one.high:g} {one.unit}".strip()


def _services() -> str:
    rows = [(f"`{s.name}`", s.description) for s in SERVICES.values()]
    return _table("Services", ("service", "what it does"), rows)


def _commands() -> str:
    rows = [
        (f"`{words}`", " ".join(f"`{option}`" for option in options), told)
        for words, options, told in _verbs(cli._parser(), "")
    ]
    return _table("Commands of `python -m engine`", ("command", "options", "what it does"), rows)


def _verbs(parser: argparse.ArgumentParser, words: str) -> Iterator[tuple[str, list[str], str]]:
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        helps = {one.dest: one.help or "" for one in action._choices_actions}
        for name, below in action.choices.items():
            if name not in helps:
                continue  # another spelling of the same
            whole = f"{words} {name}".strip()
            yield whole, _options(below), helps[name]
            yield from _verbs(below, whole)


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [
        action.option_strings[-1]
        for action in parser._actions
        if action.option_strings and action.dest != "help" and action.help != argparse.SUPPRESS
    ]


def _family(title: str, table: Mapping[str, str]) -> str:
    rows = [(f"`{name}`", _first_line(target)) for name, target in table.items()]
    return _table(title, ("name", "what it is"), rows)


def _first_line(target: str) -> str:
    """The first line of a member's own docstring, read without importing it."""
    module, _, name = target.partition(":")
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    raise LookupError(target)


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", f"|{':--|' * len(head)}"]
    lines += [f"| {' | '.join(_cell(text) for text in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    FILE.write_text(made())
