"""An export is complete, checked and whole, or it is not there."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from engine.errors import ExportError
from engine.export.base import Graph, Subject, graph_of
from engine.export.described import decider, described
from engine.export.manifest import golden
from engine.export.onnx_graph import serialised
from engine.export.places import place_of
from engine.export.torch_check import main as torch_check
from engine.export.torch_module import Scorer
from engine.export.torchscript import without_known_warnings
from engine.export.writing import Exported, export, main_network
from engine.models.files import fingerprint
from engine.training.network import Network
from engine.training.policy import TrainedPolicy
from tests.engine.models.trained import network, policy

FILES = {
    "golden.json",
    "metadata.json",
    "policy.onnx",
    "policy.pt",
    "policy.safetensors",
    "serving.py",
}
NETWORKS = {
    "index": network(),
    "one rent": replace(network(readout="difference"), rents=(1.5, 9.0), rent_at=3),
    "no rent": network(readout="difference"),
    "small": network(d=5, readout="difference", hidden=4),
}


def candidates(net: Network, decisions: int, each: int) -> np.ndarray:
    drawn = np.random.default_rng(each).normal(size=(decisions, each, net.inputs))
    return np.asarray(net.mean + 4 * net.scale * drawn, np.float32)


def script(graph: Graph) -> torch.jit.ScriptModule:
    with without_known_warnings():
        return torch.jit.script(Scorer(graph).eval())


@pytest.mark.parametrize("each", [1, 2, 33])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_graph_decides_as_the_network(name: str, each: int) -> None:
    net = NETWORKS[name]
    given = candidates(net, 500, each)
    scores = net.scores(given.reshape(-1, net.inputs)).reshape(500, each)
    action = scores.argmin(1) if each > 1 else (scores[:, 0] > net.threshold)
    graph = graph_of(net)
    session = onnxruntime.InferenceSession(serialised(graph))
    scripted = script(graph)
    for found in (
        session.run(None, {"candidates": given}),
        [out.numpy() for out in scripted(torch.from_numpy(given))],
    ):
        assert np.abs(found[0] - scores).max() < 2e-5
        assert found[1].dtype == np.int64
        clear = np.partition(scores, min(1, each - 1), axis=1)
        settled = clear[:, 1] - clear[:, 0] > 1e-4 if each > 1 else abs(scores[:, 0]) > 1e-4
        assert (found[1] == action)[settled].all()


def test_no_decisions_are_decided_too() -> None:
    session = onnxruntime.InferenceSession(serialised(graph_of(network())))
    scores, action = session.run(None, {"candidates": np.zeros((0, 3, 24), np.float32)})
    assert (scores.shape, action.shape) == ((0, 3), (0,))


def test_only_torchscripts_own_deprecation_is_silenced() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with without_known_warnings():
            torch.jit.freeze(torch.jit.script(Scorer(graph_of(network())).eval()))
            warnings.warn("another function is deprecated", DeprecationWarning, stacklevel=1)
    assert [str(one.message) for one in told] == ["another function is deprecated"]


def test_it_holds_every_file_and_the_zip_the_same(exported: Exported, folder: Path) -> None:
    assert set(exported.files) == FILES == {path.name for path in folder.iterdir()}
    told = json.loads((folder / "metadata.json").read_bytes())
    for name in FILES - {"metadata.json"}:
        assert told["files"][name]["sha256"] == fingerprint(folder / name).sha256
    with zipfile.ZipFile(exported.archive) as packed:
        assert {name.partition("/")[2] for name in packed.namelist()} == FILES
        assert packed.read("model-1/policy.onnx") == (folder / "policy.onnx").read_bytes()
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_the_metadata_tells_a_consumer_what_it_must_know(folder: Path) -> None:
    told = json.loads((folder / "metadata.json").read_bytes())
    assert [feature["name"] for feature in told["features"]] == list(policy().spec.features)
    assert all(f["type"] == "float32" and f["unit"] and f["meaning"] for f in told["features"])
    assert told["cache"] == {
        "capacity": 100,
        "unit": "results",
        "lifetime": 250.0,
        "window": 0.05,
        "sample": 16,
        "pool": 16,
        "asked": 4,
        "history": 8,
    }
    assert told["actions"]["threshold"] == 0.5
    assert [len(rows["action"]) for rows in told["golden"]] == [16, 16]
    assert told["training"]["data"]["digest"] == "d" * 64


def test_the_metadata_does_not_tell_the_path_of_the_data() -> None:
    made = policy()
    made.spec.data["asked"] = "/home/somebody/access.log"
    assert "/home/somebody" not in str(described(Subject(made, "ppo")))
    assert made.spec.data["asked"]


def test_the_serving_file_stands_alone(folder: Path) -> None:
    text = (folder / "serving.py").read_text()
    code = (
        f"import sys, runpy; runpy.run_path({str(folder / 'serving.py')!r}); "
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "numpy" in loaded
    for module in ("'engine'", "'torch'", "'msgspec'", "'numba'"):
        assert module not in loaded
    assert "from engine" not in text


def test_a_changed_graph_is_found_by_the_check(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("metadata.json", "policy.pt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert torch_check(tmp_path) == 0
    with without_known_warnings():
        torch.jit.save(script(graph_of(network(seed=9))), str(tmp_path / "policy.pt"))
    assert torch_check(tmp_path) == 1
    assert "its decisions differ" in capsys.readouterr().err


def small(root: Path, place: str = "model-1") -> Exported | None:
    return export(Subject(policy(), "ppo"), root, root / place, lambda *_: False)


def test_a_full_disk_leaves_nothing_behind_and_what_lay_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tmp_path / "model-1"
    before.mkdir()
    (before / "metadata.json").write_text("the export of last week")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for most in (1000, 30_000):  # within the graph, within golden.json
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        try:
            with pytest.raises(ExportError, match=r"(cannot|could not) be written.*: make room"):
                small(tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert [path.name for path in tmp_path.iterdir()] == ["model-1"]
        assert (before / "metadata.json").read_text() == "the export of last week"


def test_an_export_that_does_not_verify_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = serialised(graph_of(network(seed=5)))
    monkeypatch.setattr("engine.export.onnx_graph.serialised", lambda _: wrong)
    with pytest.raises(ExportError, match=r"does not verify and was not kept: serving.py: The pol"):
        small(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_asked_to_stop_it_leaves_nothing(tmp_path: Path) -> None:
    told: list[str] = []

    def beat(_share: float, message: str) -> bool:
        told.append(message)
        return len(told) == 3

    assert export(Subject(policy(), "ppo"), tmp_path, tmp_path / "a", beat) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_export_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    with pytest.raises(ExportError, match="holds something else than an export"):
        small(tmp_path, "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"


def test_a_zip_that_is_no_export_is_left_alone(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "thesis.zip", "w") as packed:
        packed.writestr("chapter.txt", "mine")
    before = (tmp_path / "thesis.zip").read_bytes()
    with pytest.raises(ExportError, match=r"thesis\.zip is something else than an export"):
        small(tmp_path, "thesis")
    assert (tmp_path / "thesis.zip").read_bytes() == before
    assert not (tmp_path / "thesis").exists()


@pytest.mark.parametrize(
    "wanted", ["", ".", "..", "../x", "a/../../x", "/etc", "/tmp/x", ".hidden", "a//../b", "x\0y"]
)
def test_a_path_outside_the_root_is_refused(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(ExportError, match="Exports lie under"):
        place_of(tmp_path, wanted)


def test_a_path_within_the_root_may_be_nested_or_absolute(tmp_path: Path) -> None:
    assert place_of(tmp_path, "team/model-1") == tmp_path / "team" / "model-1"
    assert place_of(tmp_path, str(tmp_path / "b")) == tmp_path / "b"
    (tmp_path / "out").symlink_to("/")
    with pytest.raises(ExportError, match="leads out of"):
        place_of(tmp_path, "out/tmp")


def test_a_policy_without_that_network_is_refused() -> None:
    index = TrainedPolicy(policy().spec, {})
    with pytest.raises(ExportError, match="index without a network"):
        main_network(index)
    with pytest.raises(ExportError, match=r"no network 'sac'; choose one of: ppo, dqn"):
        main_network(policy(), "sac")
    assert main_network(policy(), "dqn") == "dqn"


@pytest.mark.parametrize("each", [1, 3])
@pytest.mark.parametrize("name", ["index", "one rent", "no rent"])
def test_numpys_form_gives_the_same_scores(name: str, each: int) -> None:
    net = NETWORKS[name]
    given = candidates(net, 50, each)
    scores, action = decider(Subject(TrainedPolicy(policy().spec, {"ppo": net}), "ppo")).run(given)
    assert np.abs(scores - net.scores(given.reshape(-1, 24)).reshape(50, each)).max() < 2e-5
    assert (action == (scores.argmin(1) if each > 1 else scores[:, 0] > net.threshold)).all()


def test_a_network_that_says_the_same_of_everything_has_no_golden_rows() -> None:
    net = network()
    flat = Network(**{**{k: getattr(net, k) for k in net.__slots__}, "w3": net.w3 * 0})
    assert golden(flat, "several", 4)["action"] == []
