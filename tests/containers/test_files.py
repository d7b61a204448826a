"""The Dockerfile and compose.yaml as they stand, without a container engine."""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
import sys
from importlib import resources

import jsonschema
import pytest

from engine.settings import ROOT, known_names, load_settings
from tests.containers.demo import COMPOSE, VARIABLE, composed, default, instructions

PAGE_NEEDS_NOT = (
    "torch",
    "numba",
    "stable_baselines3",
    "gymnasium",
    "onnx",
    "onnxruntime",
    "optuna",
)


def test_compose_fits_the_specification() -> None:
    schemas = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "compose-spec.json").read_text())
    jsonschema.validate(composed(), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"engine": {"imagee": "x"}}}, schema)


@pytest.mark.parametrize("target", ["engine", "dashboard"])
def test_an_image_is_not_root_and_tells_its_health(target: str) -> None:
    lines = instructions(target)
    assert "USER 10001:10001" in lines
    last_user = max(n for n, line in enumerate(lines) if line.startswith("USER"))
    assert not any(line.startswith("RUN") for line in lines[last_user:])
    health = next(line for line in lines if line.startswith("HEALTHCHECK"))
    compile(json.loads(health.partition("CMD ")[2])[2], "health", "exec")
    json.loads(next(line for line in lines if line.startswith("CMD")).removeprefix("CMD "))


def test_what_compose_sets_are_settings_that_exist() -> None:
    services = composed()["services"]
    for name in ("engine", "origin", "traffic", "dashboard", "worker"):
        given = services[name]["environment"]
        assert set(given) <= set(known_names())
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
        load_settings(**{key: default(value) for key, value in given.items()})


def test_every_port_is_published_on_loopback_alone() -> None:
    for service in composed()["services"].values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_every_volume_and_dependency_is_declared() -> None:
    whole = composed()
    for service in whole["services"].values():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in whole["volumes"]
        assert set(service.get("depends_on", {})) <= set(whole["services"])


def test_whoever_opens_the_published_page_is_known_by_the_gateway() -> None:
    whole = composed()
    (network,) = whole["networks"]["default"]["ipam"]["config"]
    told = default(whole["services"]["dashboard"]["environment"]["CACHESCOPE_OPERATOR_ADDRESSES"])
    assert told == network["gateway"]
    assert ipaddress.ip_address(told) in ipaddress.ip_network(network["subnet"])


def test_no_password_stands_in_a_file() -> None:
    for name in ("Dockerfile", "compose.yaml"):
        for line in (ROOT / name).read_text().splitlines():
            if re.search(r"^\s*\w*(PASSWORD|TOKEN)\w*:", line) and "RANDOM" not in line:
                assert re.search(r"\$\{(MARIADB_PASSWORD|API_TOKEN):\?", line), line


def test_the_documented_variables_are_those_of_compose() -> None:
    used = {found[0] for found in VARIABLE.findall(COMPOSE.read_text())}
    shown = (ROOT / "docs" / "containers.md").read_text()
    assert {name for name in used if f"`{name}`" not in shown} == set()


def test_the_images_take_only_what_they_run() -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = {
        word.rstrip("/")
        for target in ("runtime", "engine", "dashboard", "engine-packages")
        for line in instructions(target)
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert {path.partition("/")[0] for path in copied} == allowed


def test_the_pages_import_nothing_that_their_image_lacks() -> None:
    code = f"""
import importlib, pkgutil, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {PAGE_NEEDS_NOT!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
import dashboard.charts, dashboard.parts, dashboard.lifespan, engine.actions
for package in (dashboard.charts, dashboard.parts, engine.actions):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1500:]
