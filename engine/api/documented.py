"""The OpenAPI document: problems for every error, and an example for every endpoint."""

from __future__ import annotations

import json
import shlex
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI

from engine.api.examples import BODIES, FILES, PATHS, QUERIES
from engine.api.problems import MEDIA, Problem

BASE = "http://127.0.0.1:8000"

_REFUSED = {
    "description": "A problem document (RFC 9457).",
    "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
RESPONSES: dict[int | str, dict[str, Any]] = {"default": _REFUSED}


class Documented(FastAPI):
    """An application whose OpenAPI document has a `curl` line for every endpoint."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            told = super().openapi()
            schemas = told.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema()
            for path, operations in told["paths"].items():
                for verb, operation in operations.items():
                    _exemplify(verb.upper(), path, operation)
        return dict(self.openapi_schema or {})


def curl(verb: str, path: str) -> str:
    """The line that asks for an endpoint."""
    for name, value in PATHS.items():
        path = path.replace(f"{{{name}}}", value)
    key = f"{verb} {path}"
    query = urlencode(QUERIES.get(key, {}))
    parts = ["curl"] + ([] if verb == "GET" else ["-X", verb])
    body = BODIES.get(key)
    if body is not None:
        parts += ["-H", "content-type: application/json", "-d", json.dumps(body)]
    if key in FILES:
        parts += ["--data-binary", f"@{FILES[key]}"]
    return shlex.join([*parts, f"{BASE}{path}{'?' if query else ''}{query}"])


def _exemplify(verb: str, path: str, operation: dict[str, Any]) -> None:
    line = curl(verb, path)
    operation["description"] = f"{operation.get('description', '')}\n\n```bash\n{line}\n```".strip()
    operation["x-codeSamples"] = [{"lang": "Shell", "source": line}]
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] in PATHS:
            parameter["example"] = PATHS[parameter["name"]]
    key = f"{verb} {path}"
    for name, value in PATHS.items():
        key = key.replace(f"{{{name}}}", value)
    if "requestBody" in operation and key in BODIES:
        for content in operation["requestBody"]["content"].values():
            content["example"] = BODIES[key]
