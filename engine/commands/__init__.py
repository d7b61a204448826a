"""Groups of commands that `python -m engine` offers besides the engine's own verbs."""

from __future__ import annotations

COMMANDS: dict[str, str] = {
    "models": "engine.commands.models:add",
    "export": "engine.commands.export:add",
    "import": "engine.commands.traces:add",
    "compare": "engine.commands.compare:add",
    "train": "engine.commands.train:add",
    "evaluate": "engine.commands.evaluate:add",
    "renew": "engine.commands.renew:add",
    "study": "engine.commands.study:add",
    "worker": "engine.commands.worker:add",
    "resilience": "engine.commands.resilience:add",
}
"""Command -> the function `add(commands)` that declares it to argparse.

These modules import nothing heavy at their top: `--help` loads them all.
"""
