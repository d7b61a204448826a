"""Exports of a trained policy: files that other programs and languages load."""

from __future__ import annotations

EXPORTERS: dict[str, str] = {
    "onnx": "engine.export.onnx_graph:Onnx",
    "torchscript": "engine.export.torchscript:TorchScript",
    "safetensors": "engine.export.tensors:Tensors",
    "serving": "engine.export.serving_file:ServingFile",
    "replay": "engine.export.golden:Golden",
    "manifest": "engine.export.manifest:Manifest",
}
"""Name -> what writes one file of an export, in this order: the manifest knows all others."""
