"""Which field of a request a refusal is about, told from its sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from fastapi import Request

MOST_BYTES = 64_000
"""A larger body is not searched: that would hold up everybody else."""

_PLACE = re.compile(r"at `\$\.?([^`]+)`")
_FIELD = re.compile(r"(?:unknown|required) field `([^`]+)`")
_IS = re.compile(r"([\w.]+) is (.+?); ")


def blamed(sentence: str, request: Request) -> str:
    """The parameter, or the place in the body, that is to blame; empty: no single one.

    msgspec names it. Our own sentences begin with its name ("rows is 0; …") or quote its value
    ("There is no trace 'shop'; …").
    """
    place, field = _PLACE.search(sentence), _FIELD.search(sentence)
    if place or field:
        return ".".join(found[1] for found in (place, field) if found)
    given = list(_given(request))
    begun = _IS.match(sentence)
    name, shown = begun.groups() if begun else ("", "")
    for is_meant in (
        lambda place, _: _leaf(place) == name,
        lambda _, value: repr(value) == shown,
        lambda place, value: f"'{value}'" in sentence or f"no {_leaf(place)} {value};" in sentence,
    ):
        places = {place for place, value in given if is_meant(place, value)}
        if len(places) == 1:
            return places.pop()
    return ""


def _given(request: Request) -> Iterator[tuple[str, Any]]:
    """Every parameter and every place in the body, with its value; names of fields as well."""
    for name, text in (*request.path_params.items(), *request.query_params.items()):
        yield from ((name, name), (name, text))
    # Only what the endpoint has read: reading here could wait for a body that nobody asked for.
    body: bytes = getattr(request, "_body", b"")
    if len(body) <= MOST_BYTES:
        try:
            yield from _places("", json.loads(body))
        except (ValueError, RecursionError):
            return


def _places(place: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for name, one in value.items():
            inside = f"{place}.{name}" if place else name
            yield inside, name
            yield from _places(inside, one)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from _places(f"{place}[{at}]", one)
    elif place:
        yield place, value


def _leaf(place: str) -> str:
    return place.rpartition(".")[2]
