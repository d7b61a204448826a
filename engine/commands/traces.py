"""`python -m engine import|columns|traces`: recorded requests become traces."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import Any

from engine.settings import Settings
from engine.terminal import rows, say, who


def add(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its class of subparsers private
    """Declare the commands."""
    text = "Import recorded requests from a file or a database as a trace."
    made = _command(commands, "import", text)
    made.add_argument("--name", default="", help="of the trace; default: after its origin")
    made.add_argument("--replace", action="store_true", help="take the place of another trace")
    made.add_argument("--preview", action="store_true", help="show what it would be; keep nothing")
    made.set_defaults(run=run_import)
    text = "Show the columns of recorded requests: kind, range, nulls, example, what they are for."
    shown = _command(commands, "columns", text)
    shown.add_argument("--all", action="store_true", help="look at every row, not the first ones")
    shown.set_defaults(run=run_columns)
    listed = commands.add_parser("traces", help=_LIST, description=_LIST)
    listed.add_argument("--remove", metavar="NAME", help="remove this one")
    listed.add_argument("--json", action="store_true", help="as JSON")
    listed.set_defaults(run=run_traces)


_LIST = "List the stored traces, or remove one."


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:  # noqa: ANN401
    made: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    made.add_argument("file", nargs="?", default="", metavar="FILE", help=_FILE)
    made.add_argument("--source", default="", metavar="NAME", help="rows of a source: sample, own")
    made.add_argument("--table", default="", metavar="TABLE", help=_TABLE)
    made.add_argument("--format", default="", help="of the file; default: as it looks")
    made.add_argument("--mapping", default="", metavar="OURS=THEIRS,…", help=_MAPPING)
    made.add_argument("--unit", default="", help="of load times: s, ms or us")
    made.add_argument("--hash-keys", action="store_true", help="keep digests in place of keys")
    made.add_argument("--model-cost", action="store_true", help="model load times (labelled so)")
    made.add_argument("--seed", type=int, default=0, help="of the modelled load times")
    made.add_argument("--json", action="store_true", help="as JSON")
    return made


_FILE = "log, CSV, Parquet or trace; .gz, .xz, .zst and .bz2 are unpacked on the way"
_TABLE = "any table of SOURCE_URL's database, else of our store; only read"
_MAPPING = "which column is timestamp, cache_key, cache_name, hit, load_time_ms, size_bytes, method"


def run_import(given: argparse.Namespace, settings: Settings) -> int:
    """Import, or show what an import would be."""
    from engine.actions.traces import import_trace

    if given.preview:
        given.all = False
        return run_columns(given, settings)
    found = import_trace(_wanted(given), who(), settings, _beat(given.json))
    if given.json or found is None:
        say(json.dumps(found, indent=1))
        return 0
    info = found["info"]
    say(
        f"{'Trace' if found['is_new'] else 'These requests are there already: trace'} "
        f"{info['name']}: {info['requests']:,} requests, {info['distinct']:,} "
        f"key{'s' * (info['distinct'] != 1)}, "
        f"{len(info['groups']):,} endpoint{'s' * (len(info['groups']) != 1)}, "
        f"costs {info['costs']}, sizes {info['sizes']}."
    )
    for told in filter(None, (info["cost_model"], *info["notes"])):
        say(f"  {told}")
    _say_faults(info["malformed"], found["faults"])
    return 0


def run_columns(given: argparse.Namespace, settings: Settings) -> int:
    """Show columns, endpoints and what could not be read."""
    from engine.actions.traces import look_at

    found = look_at(_wanted(given), given.all, settings)
    if given.json:
        say(json.dumps(found, indent=1))
        return 0
    share = "all" if found["is_all"] else "the first"
    say(f"{found['origin']}: {share} {found['requests']:,} requests, {found['distinct']:,} keys\n")
    lines = [
        (c["name"], found["roles"].get(c["name"], ""), c["kind"], f"{c['nulls']:.0%}",
         _number(c, "low"), _number(c, "high"), c["example"][:30],
         "recorded: off as a feature" if c["recorded"] else "")
        for c in found["columns"]
    ]  # fmt: skip
    say(rows(("COLUMN", "FROM", "KIND", "NULLS", "LOW", "HIGH", "EXAMPLE", ""), lines))
    say()
    say(rows(("ENDPOINT", "OF A KEY SUCH AS"), [(e[1], e[0][:80]) for e in found["endpoints"]]))
    say(f"\nCosts: {found['costs']}.")
    for told in found["notes"]:
        say(f"  {told}")
    _say_faults(found["malformed"], found["faults"])
    return 0


def run_traces(given: argparse.Namespace, settings: Settings) -> int:
    """List traces, or remove one."""
    from engine.actions.traces import remove_trace, traces

    if given.remove:
        remove_trace(given.remove, who(), settings)
        say(json.dumps({"removed": given.remove}) if given.json else f"{given.remove} is removed.")
        return 0
    found = traces(settings)
    if given.json:
        say(json.dumps(found, indent=1))
    elif not found:
        say("There is no trace yet; `python -m engine import FILE` makes one.")
    else:
        lines = [
            (t["name"], f"{t['requests']:,}", f"{t['distinct']:,}", t["costs"], t["sizes"],
             t["origin"])
            for t in found
        ]  # fmt: skip
        say(rows(("TRACE", "REQUESTS", "KEYS", "COSTS", "SIZES", "ORIGIN"), lines))
    return 0


def _wanted(given: argparse.Namespace) -> Any:  # noqa: ANN401 - its class loads on use
    from engine.actions.traces import Wanted

    names = set(Wanted.__struct_fields__) & set(vars(given))
    return Wanted(**{name: getattr(given, name) for name in names})


def _beat(is_quiet: bool) -> Any:  # noqa: ANN401 - a function
    is_shown = sys.stderr.isatty() and not is_quiet

    def beat(share: float, message: str) -> bool:
        if is_shown:
            sys.stderr.write(f"\r{share:4.0%}  {message}\033[K")
            if message == "writing":
                sys.stderr.write("\r\033[K")
        return False

    return beat


def _say_faults(count: int, faults: list[dict[str, Any]]) -> None:
    if not count:
        return
    told = "lines were left out, the first of them" if count > 1 else "line was left out"
    say(f"\n{count:,} malformed {told}:")
    for fault in faults:
        say(f"  {fault['line']}: {fault['why']}: {fault['text'][:100]}")


def _number(column: dict[str, Any], edge: str) -> str:
    value = column[edge]
    if value is None:
        return ""
    if column["kind"] == "time" and value > _DATES_FROM_S:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S}"
    return f"{value:,.6g}"


_DATES_FROM_S = 1e8
"""Below it a time counts from a trace's start, not from the epoch."""
