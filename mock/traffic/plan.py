"""What one run of simulated traffic is to do, checked as a whole before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import httpx

from engine.errors import EngineError
from mock.openapi import Catalogue, SpecificationError, make_catalogue, read_specification
from mock.traffic.header import header_from
from mock.traffic.probe import check_address, look
from mock.workloads import WORKLOADS, Arrival

OWN_SPECIFICATION = Path(__file__).parents[1] / "ers-api.yaml"

TIMEOUT_S = 10.0


class TrafficError(EngineError):
    """Raised when a run of simulated traffic is asked for that makes no sense."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `count` or `duration_s` may be None: no such limit."""

    api_url: str
    count: int | None = 1000
    duration_s: float | None = None
    rate: float = 30.0
    workload: str = "daily"
    seed: int = 0
    spec: str = ""
    concurrency: int = 32
    allow_remote: bool = False
    allow_unsafe_methods: bool = False
    header_env: str = ""
    day_s: float = 300.0

    def check(self) -> None:
        """Raises TrafficError for the first value that makes no sense."""
        if self.workload not in WORKLOADS:
            names = ", ".join(WORKLOADS)
            raise TrafficError(f"There is no workload {self.workload!r}; choose one of: {names}.")
        for name, value, low, high in (
            ("n", self.count, 1, 10**9),
            ("duration", self.duration_s, 0.1, 10**7),
            ("rate", self.rate, 0.01, 10_000),
            ("concurrency", self.concurrency, 1, 1000),
        ):
            if value is not None and not low <= value <= high:
                raise TrafficError(f"{name} is {value}; give a number from {low} to {high}.")
        check_address(self.api_url, self.allow_remote)

    @property
    def address(self) -> str:
        """The API's address in its normal form."""
        return check_address(self.api_url, self.allow_remote)

    def headers(self) -> dict[str, str]:
        """The header that the environment variable `header_env` holds, if one is named.

        Raises:
            HeaderError: the variable is not set.
        """
        return header_from(self.header_env)

    def arrivals(self, catalogue: Catalogue, start: float) -> Iterator[Arrival]:
        """The requests of this run, from `start` on."""
        make = WORKLOADS[self.workload]
        stream = make(catalogue, self.rate, self.seed, self.day_s).arrivals(start)
        if self.duration_s is not None:
            until = start + self.duration_s
            stream = takewhile(lambda arrival: arrival.at < until, stream)
        return islice(stream, self.count)


def plan_from(
    params: Mapping[str, Any], api_url: str, day_s: float, *, allow_remote: bool = False
) -> Plan:
    """A plan from a job's parameters, which are named like the command's options.

    Raises:
        TrafficError: an unknown parameter, or a value of the wrong form.
    """
    forms: dict[str, type] = {
        "api_url": str,
        "n": int,
        "rate": float,
        "duration": float,
        "workload": str,
        "seed": int,
        "spec": str,
        "concurrency": int,
    }
    values: dict[str, Any] = {}
    for name, value in params.items():
        if name not in forms:
            raise TrafficError(f"There is no parameter {name!r}; there are: {', '.join(forms)}.")
        try:
            values[name] = None if value in (None, "") else forms[name](value)
        except (TypeError, ValueError):
            raise TrafficError(f"{name} is {value!r}; give a {_WORDS[forms[name]]}.") from None
    count, duration = values.pop("n", None), values.pop("duration", None)
    if count is None and duration is None:
        count = 1000
    given: dict[str, Any] = {"api_url": api_url, "day_s": day_s, "allow_remote": allow_remote}
    given |= {name: value for name, value in values.items() if value is not None}
    plan = Plan(**given, count=count, duration_s=duration)
    plan.check()
    return plan


_WORDS = {int: "whole number", float: "number", str: "text"}


def find_catalogue(plan: Plan) -> Catalogue:
    """What can be requested: of the given file, else of the API's own, else of the sample's.

    Raises:
        SpecificationError: the file cannot be used.
        WrongAddress: the API does not answer, or something else does.
    """
    if plan.spec:
        spec = read_specification(Path(plan.spec))
        catalogue = make_catalogue(spec, plan.allow_unsafe_methods)
        with open_client(plan, catalogue.prefix) as client:
            look(client, plan.address, catalogue)
        return catalogue
    sample = make_catalogue(read_specification(OWN_SPECIFICATION))
    with open_client(plan, "") as client:
        own = _published(client, plan)
        if own is None or not own.operations:
            look(client, plan.address, sample)
            return sample
        look(client, plan.address, own)
        return own


def _published(client: httpx.Client, plan: Plan) -> Catalogue | None:
    """The catalogue of the API's own `/openapi.json`, if it serves one that can be used."""
    try:
        response = client.get("/openapi.json")
        spec = response.json() if response.is_success else None
    except (httpx.HTTPError, ValueError):
        return None
    if not isinstance(spec, dict) or not isinstance(spec.get("paths"), dict):
        return None
    try:
        return make_catalogue(spec, plan.allow_unsafe_methods)
    except SpecificationError:
        return None


def base_address(address: str, prefix: str) -> str:
    """The address with the path that the OpenAPI file's server has, unless it is there."""
    return address if not prefix or address.endswith(prefix) else address + prefix


def open_client(plan: Plan, prefix: str) -> httpx.Client:
    """A client for the first look."""
    return httpx.Client(
        base_url=base_address(plan.address, prefix),
        headers=plan.headers(),
        timeout=5.0,
        trust_env=plan.allow_remote,
    )


def open_async_client(plan: Plan, prefix: str) -> httpx.AsyncClient:
    """The client that sends the load; redirects are not followed, they might leave the API."""
    limits = httpx.Limits(max_connections=plan.concurrency, max_keepalive_connections=16)
    return httpx.AsyncClient(
        base_url=base_address(plan.address, prefix),
        headers=plan.headers(),
        timeout=TIMEOUT_S,
        limits=limits,
        trust_env=plan.allow_remote,
    )
