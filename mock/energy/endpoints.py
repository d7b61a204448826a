"""The table of the sample API's endpoints: a path, its parameters, its data and its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

from sqlalchemy import Connection

from mock.energy import answers as a
from mock.energy.parameters import (
    AREA,
    BRANCH,
    END,
    MUNICIPALITY,
    RESOLUTION,
    START,
    TYPE,
    Parameter,
    Values,
    day_of,
)
from mock.energy.reference import AREA_OF, PRICE_AREAS
from mock.energy.world import Versions


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path. `path` is also its normalised name: no dates and no ids in it.

    `part` names the data an answer is made from: production, consumption, exchange, or nothing
    that ever changes.
    """

    path: str
    part: str
    parameters: tuple[Parameter, ...]
    answer: Callable[[Connection, Values], a.Answer]
    newest_only: bool = False

    def key(self, values: Values) -> str:
        """Normalised path plus sorted query: equal requests have equal keys."""
        path, query = self.path, []
        for name in sorted(values):
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", quote(values[name]))
            else:
                query.append(f"{name}={quote(values[name])}")
        return f"{path}?{'&'.join(query)}" if query else path

    def values_of(self, key: str) -> Values:
        """The values a key was made from; the inverse of `key`."""
        path, _, query = key.partition("?")
        values = dict(parse_qsl(query))
        for template, part in zip(self.path.split("/"), path.split("/"), strict=True):
            if template.startswith("{"):
                values[template[1:-1]] = unquote(part)
        return values

    def version(self, values: Values, versions: Versions, today: int) -> int:
        """Number of the last change to the data behind this answer."""
        if not self.part:
            return 0
        areas = (values["price_area"],) if "price_area" in values else tuple(PRICE_AREAS)
        if "municipality" in values:
            areas = (AREA_OF[int(values["municipality"])],)
        if self.newest_only:
            return versions.of(self.part, areas, today, today)
        return versions.of(self.part, areas, day_of(values["start"]), day_of(values["end"]))


_RANGE = (START, END)

ENDPOINTS: dict[str, Endpoint] = {
    endpoint.path: endpoint
    for endpoint in (
        Endpoint("/production/latest", "production", (AREA,), a.production_latest, True),
        Endpoint("/production/raw", "production", (*_RANGE, AREA, TYPE), a.production_raw),
        Endpoint(
            "/production/total", "production", (*_RANGE, AREA, RESOLUTION), a.production_total
        ),
        Endpoint("/production/mix", "production", (*_RANGE, AREA), a.production_mix),
        Endpoint(
            "/consumption/raw",
            "consumption",
            (*_RANGE, MUNICIPALITY, BRANCH),
            a.consumption_raw,
        ),
        Endpoint(
            "/consumption/total",
            "consumption",
            (*_RANGE, AREA, BRANCH, RESOLUTION),
            a.consumption_total,
        ),
        Endpoint("/consumption/peak", "consumption", (*_RANGE, BRANCH), a.consumption_peak),
        Endpoint("/consumption/ranking", "consumption", (*_RANGE, BRANCH), a.consumption_ranking),
        Endpoint("/exchange/latest", "exchange", (AREA,), a.exchange_latest, True),
        Endpoint("/exchange/raw", "exchange", (*_RANGE, AREA), a.exchange_raw),
        Endpoint("/exchange/total", "exchange", (*_RANGE, AREA, RESOLUTION), a.exchange_total),
        Endpoint("/price-areas", "", (), a.price_areas),
        Endpoint("/municipalities", "", (AREA,), a.municipalities),
        Endpoint("/municipalities/{municipality}", "", (MUNICIPALITY,), a.municipality),
        Endpoint("/branches", "", (), a.branches),
    )
}
