"""From an OpenAPI file to the requests that can be made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.errors import EngineError

SAFE_METHODS = ("GET", "HEAD")

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
_FIRST = ("start", "from", "begin", "since", "after", "min")
_LAST = ("end", "to", "until", "before", "max")
_NUMBERS = 20
"""Values that are tried of an integer parameter without examples."""


class SpecificationError(EngineError):
    """Raised when an OpenAPI file cannot be read or offers no request to send."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter with the values to choose from; the first is the most popular.

    `kind` is `choice`, or `first`, `last` or `single` for dates; `timed` dates carry a time.
    """

    name: str
    place: str
    required: bool
    values: tuple[str, ...] = ()
    kind: str = "choice"
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; `weight` is its relative popularity."""

    method: str
    path: str
    weight: float
    parameters: tuple[Parameter, ...] = ()
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that can be requested, and why the rest cannot."""

    title: str
    prefix: str
    operations: tuple[Operation, ...]
    skipped: tuple[str, ...] = ()


def read_specification(file: Path) -> dict[str, Any]:
    """Read an OpenAPI file, YAML or JSON.

    Raises:
        SpecificationError: the file cannot be read or is no OpenAPI description.
    """
    import yaml  # a heavy import, needed once

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SpecificationError(f"The OpenAPI file {file} cannot be read: {reason}.") from None
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        line = str(error).partition("\n")[0]
        raise SpecificationError(f"{file} is neither YAML nor JSON: {line}.") from None
    if not isinstance(found, dict) or not isinstance(found.get("paths"), dict):
        raise SpecificationError(
            f"{file} has no `paths`, so it is no OpenAPI file; give one with --spec."
        )
    return found


def make_catalogue(spec: Mapping[str, Any], unsafe: bool = False) -> Catalogue:
    """Every request that `spec` describes well enough to send; GET and HEAD unless `unsafe`.

    Raises:
        SpecificationError: nothing can be sent.
    """
    operations: list[Operation] = []
    skipped: list[str] = []
    for path, item in spec["paths"].items():
        for method in _METHODS:
            described = _resolve(spec, item).get(method)
            if described is None:
                continue
            try:
                operations.append(
                    _operation(spec, path, method.upper(), _resolve(spec, item), described, unsafe)
                )
            except _Unsendable as why:
                skipped.append(f"{method.upper()} {path}: {why}")
    if not operations:
        raise SpecificationError(
            "The OpenAPI file describes no request that can be sent"
            + (f" ({skipped[0]})." if skipped else ".")
        )
    title = str(spec.get("info", {}).get("title", "the API"))
    return Catalogue(title, _prefix(spec), tuple(operations), tuple(skipped))


class _Unsendable(Exception):  # noqa: N818 - reads as the reason it carries
    pass


def _operation(
    spec: Mapping[str, Any],
    path: str,
    method: str,
    item: Mapping[str, Any],
    described: Mapping[str, Any],
    unsafe: bool,
) -> Operation:
    if method not in SAFE_METHODS and not unsafe:
        raise _Unsendable("it may change data; --allow-unsafe-methods sends it")
    found: dict[tuple[str, str], Parameter] = {}
    for raw in [*item.get("parameters", ()), *described.get("parameters", ())]:
        parameter = _parameter(_resolve(spec, raw), spec)
        if parameter is not None:
            found[parameter.name, parameter.place] = parameter
    weight = described.get("x-popularity", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or weight <= 0:
        raise _Unsendable(f"its x-popularity is {weight!r}, not a number above 0")
    body = _body(spec, described.get("requestBody"))
    return Operation(method, path, float(weight), tuple(found.values()), body)


def _parameter(raw: Mapping[str, Any], spec: Mapping[str, Any]) -> Parameter | None:
    name, place = str(raw.get("name", "")), str(raw.get("in", ""))
    required = bool(raw.get("required")) or place == "path"
    if place not in ("path", "query"):
        if required and place == "header" and name.lower() != "authorization":
            raise _Unsendable(f"it needs the header {name}")
        return None
    schema = _schema(spec, raw.get("schema", raw))
    values = tuple(dict.fromkeys(_values(raw, schema)))
    form = schema.get("format")
    if form in ("date", "date-time") and not schema.get("enum"):
        return Parameter(name, place, required, (), _date_kind(name), form == "date-time")
    if not values:
        if required:
            raise _Unsendable(f"no example, enum or default says what {name} may be")
        return None
    return Parameter(name, place, required, values)


def _values(raw: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Values of a parameter: enumerated ones, else examples and the default, else by type."""
    if schema.get("enum"):
        yield from (_text(value) for value in schema["enum"] if value is not None)
        return
    count = 0
    for value in _examples(raw, schema):
        count += 1
        yield _text(value)
    if count > 1:
        return
    if schema.get("type") == "boolean":
        yield from ("true", "false")
    elif schema.get("type") == "integer":
        low = int(schema.get("minimum", 1))
        high = int(schema.get("maximum", low + _NUMBERS - 1))
        yield from (str(number) for number in range(low, min(high, low + _NUMBERS - 1) + 1))


def _examples(raw: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Any]:
    for holder in (raw, schema):
        examples = holder.get("examples", ())
        if isinstance(examples, Mapping):
            yield from (one["value"] for one in examples.values() if "value" in one)
        else:
            yield from examples
        for name in ("example", "default", "const"):
            if holder.get(name) is not None:
                yield holder[name]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _date_kind(name: str) -> str:
    words = name.lower().replace("-", "_").split("_")
    if any(word.startswith(_FIRST) for word in words):
        return "first"
    return "last" if any(word.startswith(_LAST) for word in words) else "single"


def _schema(spec: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with references and the first usable alternative laid in."""
    schema = dict(_resolve(spec, raw))
    for word in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(word, ()):
            inner = _schema(spec, option)
            if inner.get("type") != "null":
                return inner | {k: v for k, v in schema.items() if k != word}
    if isinstance(schema.get("type"), list):
        schema["type"] = next((t for t in schema["type"] if t != "null"), "string")
    return schema


def _body(spec: Mapping[str, Any], raw: Mapping[str, Any] | None) -> bytes | None:
    if raw is None:
        return None
    body = _resolve(spec, raw)
    media = body.get("content", {}).get("application/json", {})
    for value in _examples(media, _schema(spec, media.get("schema", {}))):
        return json.dumps(value).encode()
    if body.get("required"):
        raise _Unsendable("its body has no example")
    return None


def _resolve(spec: Mapping[str, Any], item: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(20):
        reference = item.get("$ref")
        if reference is None:
            return item
        found: Any = spec
        for part in str(reference).removeprefix("#/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            raise SpecificationError(f"The OpenAPI file refers to {reference}, which is not in it.")
        item = found
    raise SpecificationError(f"The OpenAPI file's {item.get('$ref')} refers to itself.")


def _prefix(spec: Mapping[str, Any]) -> str:
    servers = spec.get("servers") or [{}]
    return urlsplit(str(servers[0].get("url", ""))).path.rstrip("/")
