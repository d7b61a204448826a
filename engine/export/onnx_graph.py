"""policy.onnx: the durable form of the graph, written node by node.

`torch.onnx.export` would need torch, seconds and three unrelated warnings to say the same; here
every consumer's operator set is chosen, not inherited.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.export.base import Exporter, Graph, Subject
from engine.training.network import CLIP

OPSET = 17
IR_VERSION = 8
"""Both of 2022: read by onnxruntime from 1.12 on."""


class Onnx(Exporter):
    """The graph as ONNX: `candidates[N, K, d]` -> `scores[N, K]`, `action[N]`."""

    file = "policy.onnx"

    def write(self, subject: Subject, folder: Path) -> None:
        """Write the graph in one file."""
        (folder / self.file).write_bytes(serialised(subject.graph))


def serialised(graph: Graph) -> bytes:
    """The bytes of an ONNX file."""
    import onnx
    from onnx import TensorProto, helper

    candidates = helper.make_tensor_value_info(
        "candidates", TensorProto.FLOAT, ["N", "K", len(graph.scale)]
    )
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", "K"])
    action = helper.make_tensor_value_info("action", TensorProto.INT64, ["N"])
    made = helper.make_model(
        helper.make_graph(
            _nodes(graph.is_index), "cachescope", [candidates], [scores, action], _constants(graph)
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="cachescope",
    )
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString())


def _constants(graph: Graph) -> list[Any]:
    from onnx import numpy_helper

    arrays = {
        "shift": graph.shift,
        "scale": graph.scale,
        "w1": graph.w1,
        "b1": graph.b1,
        "w2": graph.w2,
        "gap": graph.gap,
        "low": np.array(-CLIP, np.float32),
        "high": np.array(CLIP, np.float32),
        "threshold": np.array(graph.threshold, np.float32),
        "highest": np.array(np.inf, np.float32),
        "rent_axis": np.array([2], np.int64),
        "one": np.array(1, np.int64),
        "one_more": np.array([0, 0, 0, 1], np.int64),
    }
    return [numpy_helper.from_array(np.array(a, order="C"), name) for name, a in arrays.items()]


def _nodes(is_index: bool) -> list[Any]:
    from onnx import helper

    def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:  # noqa: ANN401
        return helper.make_node(kind, inputs.split(), [output], **attributes)

    return [
        node("Unsqueeze", "candidates rent_axis", "rows"),
        node("Sub", "rows shift", "centred"),
        node("Div", "centred scale", "scaled"),
        node("Clip", "scaled low high", "x"),
        node("MatMul", "x w1", "linear"),
        node("Add", "linear b1", "first_layer"),
        node("Relu", "first_layer", "h1"),
        node("MatMul", "h1 w2", "second_layer"),
        node("Relu", "second_layer", "h2"),
        node("MatMul", "h2 gap", "gaps"),
        node("Sigmoid" if is_index else "Identity", "gaps", "worth"),
        node("ReduceMean", "worth", "scores", axes=[2, 3], keepdims=0),
        # One candidate is beside a score of the threshold: the lower one's number is the action.
        node("Shape", "scores", "shape"),
        node("Gather", "shape one", "candidates_each", axis=0),
        node("Equal", "candidates_each one", "is_single"),
        node("Where", "is_single threshold highest", "other"),
        node("Pad", "scores one_more other", "compared"),
        node("ArgMin", "compared", "action", axis=1, keepdims=0),
    ]
