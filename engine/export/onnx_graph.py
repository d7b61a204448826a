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
        "candidates", TensorProto.FLOAT, ["N", "K", len(graph.mean)]
    )
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", "K"])
    action = helper.make_tensor_value_info("action", TensorProto.INT64, ["N"])
    made = helper.make_model(
        helper.make_graph(
            _nodes(graph), "cachescope", [candidates], [scores, action], _constants(graph)
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
        "mean": graph.mean,
        "scale": graph.scale,
        "w1": graph.w1,
        "b1": graph.b1,
        "w2": graph.w2,
        "b2": graph.b2,
        "gap": graph.gap,
        "gap_bias": graph.gap_bias,
        "rents": graph.rents,
        "w1_rent": graph.w1_rent,
        "rent_at": np.array([graph.rent_at], np.int64),
        "rent_mean": graph.mean[graph.rent_at : graph.rent_at + 1],
        "rent_scale": graph.scale[graph.rent_at : graph.rent_at + 1],
        "low": np.array(-CLIP, np.float32),
        "high": np.array(CLIP, np.float32),
        "threshold": np.array(graph.threshold, np.float32),
        "axis_2": np.array([2], np.int64),
        "axis_3": np.array([3], np.int64),
        "first": np.array(0, np.int64),
        "one": np.array(1, np.int64),
    }
    return [numpy_helper.from_array(np.array(a, order="C"), name) for name, a in arrays.items()]


def _nodes(graph: Graph) -> list[Any]:
    from onnx import TensorProto, helper

    def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:  # noqa: ANN401
        return helper.make_node(kind, inputs.split(), [output], **attributes)

    score = (
        [
            node("Sigmoid", "gaps", "kept"),
            node("ReduceMean", "kept", "scores", axes=[2], keepdims=0),
        ]
        if graph.is_index
        else [node("ReduceMean", "gaps", "scores", axes=[2], keepdims=0)]
    )
    return [
        node("Sub", "candidates mean", "centred"),
        node("Div", "centred scale", "scaled"),
        node("Clip", "scaled low high", "x"),
        node("MatMul", "x w1", "linear"),
        node("Add", "linear b1", "shared"),
        node("Unsqueeze", "shared axis_2", "shared_"),
        node("Gather", "candidates rent_at", "price", axis=2),
        node("Add", "price rents", "price_rents"),
        node("Sub", "price_rents rent_mean", "price_centred"),
        node("Div", "price_centred rent_scale", "price_scaled"),
        node("Clip", "price_scaled low high", "z"),
        node("Unsqueeze", "z axis_3", "z_"),
        node("Mul", "z_ w1_rent", "rented"),
        node("Add", "shared_ rented", "first_layer"),
        node("Relu", "first_layer", "h1"),
        node("MatMul", "h1 w2", "linear_2"),
        node("Add", "linear_2 b2", "second_layer"),
        node("Relu", "second_layer", "h2"),
        node("MatMul", "h2 gap", "linear_3"),
        node("Add", "linear_3 gap_bias", "gaps_"),
        node("Squeeze", "gaps_ axis_3", "gaps"),
        *score,
        node("ArgMin", "scores", "lowest", axis=1, keepdims=0),
        node("Gather", "scores first", "single", axis=1),
        node("Greater", "single threshold", "keeps"),
        node("Cast", "keeps", "keep", to=TensorProto.INT64),
        node("Shape", "scores", "shape"),
        node("Gather", "shape one", "candidates_each", axis=0),
        node("Equal", "candidates_each one", "is_single"),
        node("Where", "is_single keep lowest", "action"),
    ]
