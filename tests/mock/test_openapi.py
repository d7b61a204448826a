from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from mock.drawing import Sampler
from mock.energy.endpoints import ENDPOINTS
from mock.openapi import SpecificationError, make_catalogue, read_specification
from mock.traffic.plan import OWN_SPECIFICATION

USERS: dict[str, Any] = {
    "openapi": "3.0.0",
    "info": {"title": "Shop"},
    "servers": [{"url": "https://shop.example/v2"}],
    "paths": {
        "/items/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
            ],
            "get": {},
            "delete": {},
        },
        "/search": {
            "get": {
                "parameters": [
                    {"name": "q", "in": "query", "required": True, "example": "two words"},
                    {"name": "page", "in": "query", "schema": {"$ref": "#/components/Page"}},
                    {"name": "from_date", "in": "query", "schema": {"format": "date"}},
                    {"name": "to_date", "in": "query", "schema": {"format": "date"}},
                ]
            }
        },
        "/secret/{token}": {
            "get": {"parameters": [{"name": "token", "in": "path", "schema": {"type": "string"}}]}
        },
        "/orders": {
            "post": {"requestBody": {"content": {"application/json": {"example": {"a": 1}}}}}
        },
    },
    "components": {"Page": {"anyOf": [{"type": "null"}, {"type": "integer", "maximum": 3}]}},
}


def test_our_file_and_the_served_endpoints_agree() -> None:
    catalogue = make_catalogue(read_specification(OWN_SPECIFICATION))
    assert catalogue.skipped == ()
    assert [operation.path for operation in catalogue.operations] == list(ENDPOINTS)
    for operation in catalogue.operations:
        served = ENDPOINTS[operation.path].parameters
        assert {p.name: p.required for p in operation.parameters} == {
            p.name: p.required for p in served
        }
        for described, parameter in zip(operation.parameters, served, strict=True):
            assert described.values == parameter.choices


def test_requests_of_a_users_file_hold_only_values_it_describes() -> None:
    catalogue = make_catalogue(USERS)
    assert catalogue.prefix == "/v2"
    assert {(o.method, o.path) for o in catalogue.operations} == {
        ("GET", "/items/{id}"),
        ("GET", "/search"),
    }
    sampler, chance = Sampler(catalogue), random.Random(1)
    for _ in range(300):
        draw = sampler.draw(chance, 1_795_000_000.0)
        if draw.operation.path == "/search":
            assert draw.values["q"] == "two words"
            assert "q=two%20words" in draw.target
            assert draw.values["from_date"] <= draw.values["to_date"] <= "2026-11-18"
            assert draw.values.get("page", "1") in {"1", "2", "3"}
        else:
            assert 1 <= int(draw.target.removeprefix("/items/")) <= 20


def test_what_cannot_be_sent_is_left_out_with_its_reason() -> None:
    skipped = "\n".join(make_catalogue(USERS).skipped)
    assert "DELETE /items/{id}: it may change data" in skipped
    assert "GET /secret/{token}: no example, enum or default says what token may be" in skipped


def test_unsafe_methods_are_sent_only_when_allowed() -> None:
    methods = {operation.method for operation in make_catalogue(USERS, unsafe=True).operations}
    assert methods == {"GET", "DELETE", "POST"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a: [", "neither YAML nor JSON"),
        ("[1, 2]", "no `paths`"),
        ('{"paths": {}}', "no request that can be sent"),
        ('{"paths": {"/a": {"$ref": "#/gone"}}}', "refers to #/gone"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_sentence(
    tmp_path: Path, content: str, sentence: str
) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(content)
    with pytest.raises(SpecificationError, match=sentence):
        make_catalogue(read_specification(file))


def test_json_is_read_like_yaml(tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(USERS))
    assert make_catalogue(read_specification(file)) == make_catalogue(USERS)
