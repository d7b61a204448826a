"""`python -m engine models` and `export`, as a person types them, without an engine running."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from db.migrations import migrate
from db.queries import models as kept_models
from db.session import open_store, reading
from db.tables import audit
from engine import cli
from engine.errors import ExportError
from engine.export.job import export_job
from engine.export.writing import Exported
from engine.models import registry, use
from engine.models.files import Kept
from engine.settings import Settings, load_settings
from tests.engine.models.trained import policy


class Person:
    """Types commands; sees what is printed."""

    def __init__(self, settings: Settings, capture: pytest.CaptureFixture[str]) -> None:
        self.settings = settings
        self._capture = capture
        self.store = open_store(settings.database_url)

    def types(self, *words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        said = self._capture.readouterr()
        return code, said.out, said.err

    def gets(self, *words: str) -> Any:  # noqa: ANN401 - any JSON
        code, out, err = self.types(*words, "--json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture
def person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Person:
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path))
    return Person(load_settings(), capsys)


@pytest.fixture
def store(person: Person) -> Engine:
    migrate(person.store)
    for seed in (0, 1):
        registry.register(
            person.store, person.settings, policy(seed), {"hit_ratio": 0.5 + seed / 4}, {}
        )
    return person.store


def test_a_new_store_has_no_models_and_says_how_to_make_one(person: Person) -> None:
    assert person.types("models")[:2] == (
        0,
        "There is no model yet; `python -m engine train` makes one.\n",
    )
    assert person.gets("models", "list") == []


def test_models_are_listed_shown_and_compared(person: Person, store: Engine) -> None:
    code, out, _ = person.types("models", "list")
    assert code == 0
    assert out.splitlines()[1].split()[:4] == ["2", "ppo+dqn", "on", "web,"]
    assert [model["id"] for model in person.gets("models")] == [2, 1]
    assert person.gets("models", "show", "1")["input_dimension"] == 24
    assert "evaluation.hit_ratio" in person.types("models", "compare", "1", "2")[1]
    found = {
        d["key"]: (d["first"], d["second"]) for d in person.gets("models", "compare", "1", "2")
    }
    assert found == {"evaluation.hit_ratio": (0.5, 0.75), "spec.seed": (0, 1)}


def test_a_champion_is_promoted_protected_rolled_back_and_noted(
    person: Person, store: Engine
) -> None:
    assert person.types("models", "promote", "1")[1] == "Model 1 is the champion now.\n"
    person.types("models", "promote", "2", "--why", "0.75 beats 0.5")
    assert person.types("models", "delete", "champion")[0::2] == (
        2,
        "Model 2 is the champion and cannot be deleted; promote another one first.\n",
    )
    assert person.gets("models", "roll-back") == {"alias": "champion", "model": 1}
    assert person.types("models", "roll-back")[0] == 2
    assert person.types("models", "delete", "2")[1] == "Model 2 and its files are deleted.\n"
    assert kept_models.alias_history(store, "champion")[1]["why"] == "0.75 beats 0.5"
    with reading(store) as connection:
        acts = connection.execute(select(audit.c.action, audit.c.result)).all()
    assert ("promote model", "done") in acts
    assert any(a == "delete model" and r.startswith("refused: Model 2 is") for a, r in acts)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("models", "show", "9"), "There is no model 9"),
        (("models", "show", "best"), "No model goes by the name 'best'"),
        (("models", "promote", "1", "--alias", "Best"), "'Best' is no alias"),
        (("export", "9"), "There is no model 9"),
        (("export", "1", "--output-dir", "../mine"), "'../mine' does not"),
        (("export", "1", "--network", "sac"), "The policy has no network 'sac'"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    person: Person, store: Engine, words: tuple[str, ...], told: str
) -> None:
    code, out, err = person.types(*words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write `policy.pt` alone: what an export holds is tested elsewhere."""

    def export(_subject: object, _root: Path, place: Path, beat: Any) -> Exported | None:  # noqa: ANN401
        if beat(0.5, "half"):
            return None
        place.mkdir(parents=True)
        (place / "policy.pt").write_bytes(b"graph")
        return Exported(str(place), f"{place}.zip", {"policy.pt": Kept("a" * 64, 5)}, "fine")

    monkeypatch.setattr("engine.export.writing.export", export)


def test_an_export_is_kept_with_its_model(
    person: Person, store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretended(monkeypatch)
    person.types("models", "promote", "2")
    told = person.gets("export", "champion", "--output-dir", "team/best")
    assert told["model"] == 2
    assert told["folder"] == str(person.settings.data_path / "exports" / "team" / "best")
    row = person.gets("models", "show", "2")
    assert row["artefacts"]["export"]["files"]["policy.pt"]["bytes"] == 5
    assert kept_models.exported(store, 2) == b"graph"
    assert kept_models.exported(store, 1) is None
    assert "FILE" in person.types("export", "1")[1]


def test_the_job_exports_and_can_be_cancelled(
    person: Person, store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretended(monkeypatch)

    class Job:
        id = "0123456789"
        cancelled = True

        def __init__(self) -> None:
            self.told: list[tuple[float, str]] = []

        def progress(self, share: float, message: str) -> None:
            self.told.append((share, message))

    job: Any = Job()
    assert export_job({"model": "1"}, job) is None
    assert kept_models.exported(store, 1) is None
    job.cancelled = False
    done = export_job({"model": 1}, job)
    assert done is not None
    assert done["model"] == 1
    assert job.told == [(0.5, "half")] * 2
    for params in ({}, {"model": 1, "folder": "x"}):
        with pytest.raises(ExportError, match="An export takes model=NUMBER"):
            export_job(params, job)


def test_a_registered_model_rules_a_cache_and_a_decorator(person: Person, store: Engine) -> None:
    person.types("models", "promote", "1")
    cache = use.load_cache("champion", 3, settings=person.settings)
    for key in range(9):
        cache[key] = key
    assert len(cache) == 3
    double = use.cached("champion", 3, settings=person.settings)(lambda x: 2 * x)
    assert [double(1), double(1)] == [2, 2]
    loaded = use.load_policy("champion", settings=person.settings)
    rows = [[[0.0] * 24] * 2] * 5
    assert use.decide(loaded, rows).shape == (5,)
    with pytest.raises(use.ServingError, match="needs the feature age"):
        use.decide(loaded, rows, ["hit"])
