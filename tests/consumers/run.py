"""Programs in other languages that decide with an export, compiled or installed and run.

`python -m tests.consumers.run` exports a policy of random weights and runs each of them that this
machine can run; what it cannot run is said so.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.errors import EngineError
from engine.training.network import Network

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "docs" / "consumers"
NODE_PACKAGE = "onnxruntime-node@1.30.0"
JARS = Path.home() / ".m2/repository/com/microsoft/onnxruntime/onnxruntime"
DECISIONS, EACH = 1000, 8


class NotRunError(EngineError):
    """Raised where this machine lacks what a consumer needs."""


def cpp(folder: Path, tools: Path) -> list[str]:
    """The command that decides with policy.pt through libtorch, compiled into `tools` if needed."""
    if shutil.which("g++") is None:
        raise NotRunError("no g++")
    import torch

    lib = Path(str(torch.__file__)).parent
    made = tools / f"consumer-{torch.__version__}"
    if not made.exists():
        includes = [lib / "include", lib / "include/torch/csrc/api/include"]
        links = [f"-L{lib}/lib", f"-Wl,-rpath,{lib}/lib", "-ltorch", "-ltorch_cpu", "-lc10"]
        compile_ = ["g++", "-std=c++20", "-O0", "-w", str(SOURCES / "consumer.cpp")]
        _run([*compile_, *(f"-I{path}" for path in includes), *links, "-o", f"{made}.new"])
        Path(f"{made}.new").rename(made)
    return [str(made), str(folder / "policy.pt")]


def javascript(folder: Path, tools: Path) -> list[str]:
    """The command that decides with policy.onnx in Node, its package installed into `tools`."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotRunError("no node and npm")
    shutil.copy(SOURCES / "consumer.mjs", tools)
    if not (tools / "node_modules" / "onnxruntime-node").is_dir():
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(tools)]
        try:
            _run(["npm", "install", *quiet, NODE_PACKAGE])
        except subprocess.CalledProcessError as error:
            raise NotRunError(f"npm cannot install {NODE_PACKAGE}: {error.stderr[-200:]}") from None
    return ["node", str(tools / "consumer.mjs"), str(folder / "policy.onnx")]


def java_tools() -> Path | None:
    """The newest jar of onnxruntime in Maven's local repository; None without it or a JDK."""
    jars = {path: path / f"onnxruntime-{path.name}.jar" for path in JARS.glob("[0-9]*")}
    there = [path for path, jar in jars.items() if jar.is_file()]
    if shutil.which("javac") is None or not there:
        return None
    return jars[max(there, key=lambda path: [int(n) for n in re.findall(r"\d+", path.name)])]


def java(folder: Path, _tools: Path) -> list[str]:
    """The command that decides with policy.onnx in Java; a JDK runs the source as it is."""
    jar = java_tools()
    if jar is None:
        raise NotRunError(
            "no JDK, or no jar of com.microsoft.onnxruntime:onnxruntime in Maven's local repository"
        )
    return ["java", "-cp", str(jar), str(SOURCES / "Consumer.java"), str(folder / "policy.onnx")]


CONSUMERS: dict[str, Callable[[Path, Path], list[str]]] = {
    "C++": cpp,
    "JavaScript": javascript,
    "Java": java,
}


def replay(folder: Path) -> str:
    """What cache.mjs says after following the export's golden replay.

    Raises:
        NotRunError: there is no Node.
        subprocess.CalledProcessError: a hit or an eviction differs.
    """
    if shutil.which("node") is None:
        raise NotRunError("no node")
    return _run(["node", str(SOURCES / "cache.mjs"), str(folder)]).strip()


def decide(name: str, folder: Path, tools: Path, network: Network) -> tuple[list[int], list[int]]:
    """What a consumer decides on a thousand clear decisions, and what the network does.

    Raises:
        NotRunError: this machine cannot run it.
    """
    command = CONSUMERS[name](folder, tools)
    rows, expected = _decisions(network)
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(rows.tobytes())
        file.flush()
        told = _run([*command, file.name, *map(str, rows.shape)])
    return [int(line) for line in told.split()], expected


def _decisions(network: Network) -> tuple[np.ndarray, list[int]]:
    """Decisions that no rounding turns."""
    drawn = np.random.default_rng(11).normal(size=(2 * DECISIONS, EACH, network.inputs))
    rows = (network.mean + 2 * network.scale * drawn).astype(np.float32)
    scores = network.scores(rows.reshape(-1, network.inputs)).reshape(rows.shape[:2])
    lowest = np.partition(scores, 1, axis=1)
    clear = np.flatnonzero(lowest[:, 1] - lowest[:, 0] > 1e-5)[:DECISIONS]
    return rows[clear], scores[clear].argmin(1).tolist()


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return done.stdout


def main() -> int:
    """Run all; returns the exit code."""
    from engine.export.base import Subject
    from engine.export.writing import export
    from tests.engine.models.trained import policy

    made, failed = policy(), False
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        exported = export(Subject(made, "ppo"), root, root / "model", lambda *_: False)
        assert exported is not None
        for name in CONSUMERS:
            try:
                found, expected = decide(name, Path(exported.folder), root, made.networks["ppo"])
            except NotRunError as error:
                sys.stdout.write(f"{name}: not run ({error})\n")
                continue
            equal = sum(a == b for a, b in zip(found, expected, strict=True))
            failed |= equal != len(expected)
            sys.stdout.write(f"{name}: {equal} of {len(expected)} decisions are equal\n")
        try:
            sys.stdout.write(f"JavaScript, the whole cache: {replay(Path(exported.folder))}\n")
        except NotRunError as error:
            sys.stdout.write(f"JavaScript, the whole cache: not run ({error})\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
