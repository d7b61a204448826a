"""The running API holds what its OpenAPI document says, whatever it is sent."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode

from db.migrations import migrate
from db.session import open_store
from engine.api.application import create_app
from engine.broker.place import place_of
from engine.models import registry
from engine.services import SERVICES
from engine.settings import Settings
from engine.traces.trace import save
from tests.engine.models.trained import policy
from tests.engine.stubs.running import RunningEngine, stub
from tests.engine.training import generated

FEW = settings(
    max_examples=2,  # of each kind and endpoint: six found nothing more and took twice as long
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

load_all_checks()

LEFT_OUT = {"positive_data_acceptance"}
"""Which names exist, and what fits what, no schema can tell: those are refused with a sentence."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API as a server of its own, over an engine whose jobs do nothing."""
    folder = tmp_path_factory.mktemp("engine")
    place = place_of(Settings(data_dir=folder / "data", log_dir=folder / "logs"))
    served = ("--address", str(place.address), "--journal", str(place.journal))
    arguments = (*SERVICES["queue"].arguments, *served, "--key", str(place.key_file))
    queue = dataclasses.replace(SERVICES["queue"], arguments=arguments)
    engine = RunningEngine(folder, queue, stub("agent"))
    engine.becomes("queue", "running")
    store = open_store(engine.settings.database_url)
    migrate(store)
    save(generated.trace(name="shop"), engine.settings.data_path / "traces" / "shop")
    registry.register(store, engine.settings, policy(), {}, {}, name="first")
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(engine.settings), log_level="critical")
    server = uvicorn.Server(config)
    serving = threading.Thread(target=server.run, args=([listener],))
    serving.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    serving.join(10)
    engine.close()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_endpoint_answers_as_documented(address: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    checks: list[Any] = [one for one in CHECKS.get_all() if one.__name__ not in LEFT_OUT]
    asked: set[str] = set()

    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=checks)
        asked.add(case.operation.label)

    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        cases = found.ok().as_strategy(generation_mode=mode)
        with contextlib.suppress(Unsatisfiable):  # it takes nothing that could be wrong
            FEW(given(case=cases)(ask))()
    assert len(asked) > 40
