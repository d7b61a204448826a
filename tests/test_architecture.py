"""The rules of the layout, read off the source: who imports whom, and what stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.navigation import PAGES, PageRow
from engine.actions.engine import plan_for
from engine.agent import AGENTS
from engine.broker import BROKERS
from engine.broker.place import place_of
from engine.cache import POLICIES
from engine.export import EXPORTERS
from engine.forecast import FORECASTERS
from engine.jobs import JOBS
from engine.registry import resolve
from engine.resilience import SCENARIOS
from engine.services import SERVICES, Service
from engine.settings import Settings
from engine.traces import READERS
from engine.training import ALGORITHMS

ROOT = Path(__file__).resolve().parent.parent
OURS = ("dashboard", "engine", "db", "mock", "examples")
MAY_IMPORT = {
    "db": {"db"},
    "engine": {"engine", "db"},
    "mock": {"mock", "engine", "db"},
    "dashboard": {"dashboard", "engine", "db"},
    "examples": {"examples", "engine"},
}
READS_ENVIRONMENT = {
    "engine/settings.py",
    "engine/lifeline.py",
    "mock/traffic/header.py",
    "examples/decisions.py",
}


def sources(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, *, top_level_only: bool = False) -> Iterator[str]:
    """Dotted names of what the file imports; with `top_level_only`, when it is imported."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = {module_name(path): path for path in sources(*OURS)}


@pytest.mark.parametrize("path", sources(*OURS), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_the_layers_it_may(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    tops = {name.partition(".")[0] for name in imported(path)}
    assert tops & set(OURS) <= MAY_IMPORT[package]
    if package in {"engine", "db", "mock"} or "charts" in path.parts:
        assert "streamlit" not in tops
    if package == "dashboard":
        assert "torch" not in tops


def test_there_is_no_import_cycle() -> None:
    graph = {
        name: {other for other in imported(path, top_level_only=True) if other in MODULES} - {name}
        for name, path in MODULES.items()
    }
    state: dict[str, int] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if state.get(name) == 1:
            raise AssertionError(" -> ".join((*trail[trail.index(name) :], name)))
        if name in state:
            return
        state[name] = 1
        for other in sorted(graph[name]):
            visit(other, (*trail, name))
        state[name] = 2

    for name in graph:
        visit(name, ())


FAMILIES: dict[str, dict[str, str]] = {
    "agent": AGENTS,
    "algorithm": ALGORITHMS,
    "broker": BROKERS,
    "exporter": EXPORTERS,
    "forecaster": FORECASTERS,
    "format": READERS,
    "policy": POLICIES,
    "scenario": SCENARIOS,
}


def family_members() -> Iterator[tuple[str, str]]:
    """(family, module) of every row of the tables of families."""
    for family, table in FAMILIES.items():
        for target in table.values():
            yield family, target.partition(":")[0]


def test_members_of_a_family_never_import_each_other() -> None:
    members = set(family_members())
    for family, module in members:
        siblings = {other for kind, other in members if kind == family} - {module}
        assert not siblings & set(imported(MODULES[module])), module


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family, table in FAMILIES.items() for name in table]
)
def test_every_row_of_every_family_resolves(family: str, name: str) -> None:
    assert isinstance(resolve(FAMILIES[family], name, family), type)


@pytest.mark.parametrize("kind", JOBS)
def test_every_kind_of_job_resolves_to_a_function(kind: str) -> None:
    assert callable(resolve(JOBS, kind, "job"))


@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.name)
def test_every_service_is_a_module_that_can_be_started(service: Service) -> None:
    name = service.arguments[0]
    assert name in MODULES or f"{name}.__main__" in MODULES
    assert set(service.needs) <= set(SERVICES)


@pytest.mark.parametrize("row", PAGES, ids=lambda row: row.file)
def test_every_page_has_its_file(row: PageRow) -> None:
    assert f"dashboard.views.{row.file}" in MODULES


def test_only_settings_and_lifeline_read_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in sources(*OURS)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and not _only_passes_it_on(path)
    }
    assert readers <= READS_ENVIRONMENT


def _only_passes_it_on(path: Path) -> bool:
    """Starting a child hands it our environment; that reads no setting."""
    text = path.read_text()
    return text.count("os.environ") == text.count("**os.environ")


def test_no_module_is_named_like_a_top_level_or_standard_one_in_the_dashboard() -> None:
    names = {path.stem for path in (ROOT / "dashboard").glob("*.py")}
    assert not names & (set(OURS) | set(sys.stdlib_module_names) - {"__init__"})


@pytest.mark.parametrize("module", ["engine.broker.server", "engine.supervisor"])
def test_processes_that_must_start_fast_load_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"numpy", "pandas", "torch", "sqlalchemy", "pydantic", "fastapi", "streamlit"}
    assert not heavy & set(loaded)


HEAVY = {
    "alembic", "gymnasium", "numba", "numpy", "onnx", "onnxruntime", "optuna", "pandas",
    "pyarrow", "pydantic", "ray", "redis", "scipy", "sklearn", "stable_baselines3", "streamlit",
    "torch", "yaml",
}  # fmt: skip
"""What a service that runs on SQLite and was asked for nothing special has no use for."""

SERVERS = {"fastapi", "starlette", "uvicorn"}
ALLOWED = {
    "forecaster": {"numpy"},
    "api": {"pydantic", *SERVERS},
    "origin": {"starlette", "uvicorn"},
}
DIALECTS = "sqlalchemy.dialects."
LOADED = {"api": "engine.api.__main__, engine.api.application", "traffic": "mock.traffic.service"}


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "log"])
def test_a_service_holds_no_library_in_memory_that_it_does_not_use(
    name: str, tmp_path: Path
) -> None:
    modules = LOADED.get(name, SERVICES[name].arguments[0])
    store = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    code = (
        f"import sys, {modules}; from db.migrations import migrate;"
        "from db.session import open_store; from db.tables import tunables;"
        "from db.statements import upsert;"
        f"store = open_store({store!r}); migrate(store);"
        "upsert(store.dialect.name, tunables, ['value']).compile(store);"
        "print(' '.join(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    tops = {module.partition(".")[0] for module in loaded}
    assert not ((HEAVY | SERVERS) - ALLOWED.get(name, set())) & tops
    dialects = {module.split(".")[2] for module in loaded if module.startswith(DIALECTS)}
    assert not dialects & {"mysql", "postgresql", "oracle", "mssql"}


def test_the_follower_of_a_log_loads_only_what_reads_lines() -> None:
    code = "import sys, engine.traces.log_service; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not (HEAVY - {"numpy", "pandas", "pyarrow"}) & set(loaded)


def test_the_sample_traffic_loads_neither_databases_nor_a_command_line() -> None:
    code = "import sys, mock.simulate_live, mock.traffic.service; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "httpx" in loaded
    assert not {"sqlalchemy", "pydantic", "rich", "click", "pygments"} & set(loaded)


def test_the_queue_server_is_told_its_place_and_reads_no_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    queue = next(s for s in plan_for(settings, "a test").services if s.name == "queue")
    words = queue.arguments[1:]
    options = dict(zip((word.lstrip("-") for word in words[::2]), words[1::2], strict=True))
    code = (
        "import sys; from engine.broker.server import place_from;"
        f"place = place_from(**{options!r}); print(place.address, place.journal, place.key_file);"
        "print(' '.join(sys.modules))"
    )
    place, loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    meant = place_of(settings)
    assert place == f"{meant.address} {meant.journal} {meant.key_file}"
    assert not {"sqlalchemy", "pydantic", "engine.settings"} & set(loaded.split())


def test_listing_a_family_imports_no_member() -> None:
    families = "engine.forecast, engine.agent, engine.broker, engine.cache"
    code = f"import sys, {families}; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "numba", "gymnasium"} & set(loaded)
    assert not {module for _, module in family_members()} & set(loaded)
