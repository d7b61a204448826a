"""`python -m engine export MODEL`: a model's files for production."""

from __future__ import annotations

import argparse
import json
from typing import Any

from engine.settings import Settings
from engine.terminal import rows, say, who


def add(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its class of subparsers private
    """Declare the command."""
    text = "Export a model to a folder and a zip, verified by a clean process."
    parser = commands.add_parser("export", help=text, description=text)
    parser.add_argument("model", metavar="MODEL", help="number or alias")
    parser.add_argument(
        "--output-dir", default="", metavar="DIR", help="under <data folder>/exports"
    )
    parser.add_argument("--network", default="", help="which of its networks becomes the graph")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Export in the foreground."""
    from engine.actions.models import export_model

    found = export_model(given.model, given.output_dir, given.network, who(), settings)
    if given.json or found is None:
        say(json.dumps(found, indent=1))
        return 0
    lines = [(name, kept["bytes"], kept["sha256"]) for name, kept in found["files"].items()]
    say(rows(("FILE", "BYTES", "SHA-256"), lines))
    say(f"\nModel {found['model']} lies in {found['folder']}\nand in {found['archive']}")
    say(found["verified"])
    return 0
