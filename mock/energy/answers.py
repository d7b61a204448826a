"""What each endpoint of the sample API answers: real SQL over the energy tables.

An answer is made from one connection and the checked values; figures are rounded to 0.1 MWh.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select

from mock.energy import tables as t
from mock.energy.parameters import BadParameter, Values, date_of, day_of

Answer = dict[str, Any]


def _where(table: Table, values: Values) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if "start" in values:
        first, last = day_of(values["start"]), day_of(values["end"])
        conditions.append(table.c.hour.between(first * 24, last * 24 + 23))
    named = [n for n in ("price_area", "type", "branch") if n in values and n in table.c]
    conditions += [table.c[name] == values[name] for name in named]
    if "municipality" in values:
        conditions.append(table.c.municipality == int(values["municipality"]))
    if "price_area" in values and table is t.exchange:
        area = values["price_area"]
        conditions.append((table.c.from_area == area) | (table.c.to_area == area))
    return conditions


def _series(
    connection: Connection, table: Table, names: tuple[str, ...], values: Values
) -> list[Answer]:
    """Hourly values of every combination of `names`, one compact list each."""
    columns = [table.c[name] for name in names]
    statement = (
        select(*columns, table.c.hour, table.c.mwh)
        .where(*_where(table, values))
        .order_by(*columns, table.c.hour)
    )
    series: dict[tuple[Any, ...], Answer] = {}
    for *key, hour, mwh in connection.execute(statement):
        one = series.get(tuple(key))
        if one is None:
            one = series[tuple(key)] = {
                **dict(zip(names, key, strict=True)),
                "first_hour": hour,
                "mwh": [],
            }
        one["mwh"].append(round(mwh, 1))
    return list(series.values())


def _sums(
    connection: Connection, table: Table, names: tuple[str, ...], values: Values
) -> list[Answer]:
    """Sum and greatest hour per day (or hour) and combination of `names`, as compact lists."""
    by = "hour" if values.get("resolution") == "hour" else "day"
    columns = [*(table.c[name] for name in names), table.c[by]]
    statement = (
        select(*columns, func.sum(table.c.mwh), func.max(table.c.mwh))
        .where(*_where(table, values))
        .group_by(*columns)
        .order_by(*columns)
    )
    totals: dict[tuple[Any, ...], Answer] = {}
    for *key, moment, mwh, greatest in connection.execute(statement):
        one = totals.get(tuple(key))
        if one is None:
            one = totals[tuple(key)] = {
                **dict(zip(names, key, strict=True)),
                f"first_{by}": date_of(moment) if by == "day" else moment,
                "mwh": [],
            }
        one["mwh"].append(round(mwh))
        if by == "day":
            one.setdefault("greatest_hour", []).append(round(greatest))
    return list(totals.values())


def _span(values: Values) -> Answer:
    return {"unit": "MWh", "start": values["start"], "end": values["end"]}


def production_raw(connection: Connection, values: Values) -> Answer:
    """Hourly production per area and type."""
    found = _series(connection, t.production, ("price_area", "type"), values)
    return _span(values) | {"series": found}


def production_total(connection: Connection, values: Values) -> Answer:
    """Production per day or hour and type."""
    return _span(values) | {"totals": _sums(connection, t.production, ("type",), values)}


def production_mix(connection: Connection, values: Values) -> Answer:
    """Share of each type in the production of a range."""
    statement = (
        select(t.production.c.type, func.sum(t.production.c.mwh))
        .where(*_where(t.production, values))
        .group_by(t.production.c.type)
    )
    sums = {row[0]: row[1] for row in connection.execute(statement)}
    whole = sum(sums.values()) or 1.0
    return _span(values) | {"shares": {kind: round(mwh / whole, 4) for kind, mwh in sums.items()}}


def _newest(connection: Connection, table: Table, names: tuple[str, ...], values: Values) -> Answer:
    newest = connection.execute(select(func.max(table.c.hour))).scalar()
    statement = select(*(table.c[name] for name in names), table.c.mwh).where(
        table.c.hour == newest, *_where(table, values)
    )
    rows = [
        dict(zip(names, key, strict=True)) | {"mwh": round(mwh, 1)}
        for *key, mwh in connection.execute(statement)
    ]
    return {"unit": "MWh", "hour": newest, "values": rows}


def production_latest(connection: Connection, values: Values) -> Answer:
    """Production of the newest hour."""
    return _newest(connection, t.production, ("price_area", "type"), values)


def consumption_raw(connection: Connection, values: Values) -> Answer:
    """Hourly consumption of one municipality per branch."""
    found = _series(connection, t.consumption, ("municipality", "branch"), values)
    return _span(values) | {"series": found}


def consumption_total(connection: Connection, values: Values) -> Answer:
    """Consumption per day or hour and branch."""
    return _span(values) | {"totals": _sums(connection, t.consumption, ("branch",), values)}


def consumption_peak(connection: Connection, values: Values) -> Answer:
    """The ten hours in which most was consumed."""
    summed = func.sum(t.consumption.c.mwh)
    statement = (
        select(t.consumption.c.hour, summed)
        .where(*_where(t.consumption, values))
        .group_by(t.consumption.c.hour)
        .order_by(summed.desc())
        .limit(10)
    )
    peaks = [{"hour": h, "mwh": round(mwh, 1)} for h, mwh in connection.execute(statement)]
    return _span(values) | {"peaks": peaks}


def consumption_ranking(connection: Connection, values: Values) -> Answer:
    """Municipalities by their consumption per inhabitant."""
    per_head = func.sum(t.consumption.c.mwh) / func.max(t.municipalities.c.inhabitants)
    statement = (
        select(t.municipalities.c.name, per_head)
        .join(t.municipalities, t.municipalities.c.code == t.consumption.c.municipality)
        .where(*_where(t.consumption, values))
        .group_by(t.municipalities.c.name)
        .order_by(per_head.desc())
    )
    ranks = [{"name": n, "mwh_per_head": round(v, 5)} for n, v in connection.execute(statement)]
    return _span(values) | {"ranking": ranks}


def exchange_raw(connection: Connection, values: Values) -> Answer:
    """Hourly exchange per border."""
    found = _series(connection, t.exchange, ("from_area", "to_area"), values)
    return _span(values) | {"series": found}


def exchange_total(connection: Connection, values: Values) -> Answer:
    """Exchange per day or hour and border."""
    found = _sums(connection, t.exchange, ("from_area", "to_area"), values)
    return _span(values) | {"totals": found}


def exchange_latest(connection: Connection, values: Values) -> Answer:
    """Exchange of the newest hour."""
    return _newest(connection, t.exchange, ("from_area", "to_area"), values)


def price_areas(connection: Connection, _values: Values) -> Answer:
    """All price areas."""
    return {"price_areas": _all(connection, t.price_areas)}


def municipalities(connection: Connection, values: Values) -> Answer:
    """All municipalities, or those of one price area."""
    conditions = _where(t.municipalities, values) if "price_area" in values else []
    return {"municipalities": _all(connection, t.municipalities, *conditions)}


def municipality(connection: Connection, values: Values) -> Answer:
    """One municipality."""
    code = int(values["municipality"])
    found = _all(connection, t.municipalities, t.municipalities.c.code == code)
    if not found:
        raise BadParameter(f"There is no municipality {code}; /municipalities lists them.")
    return found[0]


def branches(connection: Connection, _values: Values) -> Answer:
    """All branches."""
    return {"branches": _all(connection, t.branches)}


def _all(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> list[Answer]:
    return [dict(row) for row in connection.execute(select(table).where(*conditions)).mappings()]
