"""Tables of the energy data. They live in the store beside ours, with metadata of their own.

`hour` counts hours and `day` days since the epoch (UTC); energy is in megawatt-hours.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, Integer, MetaData, String, Table

energy_metadata = MetaData()

price_areas = Table(
    "energy_price_areas",
    energy_metadata,
    Column("code", String(8), primary_key=True),
    Column("country", String(40), nullable=False),
)

municipalities = Table(
    "energy_municipalities",
    energy_metadata,
    Column("code", Integer, primary_key=True, autoincrement=False),
    Column("name", String(60), nullable=False),
    Column("price_area", String(8), nullable=False),
    Column("inhabitants", Integer, nullable=False),
)

branches = Table(
    "energy_branches",
    energy_metadata,
    Column("code", String(20), primary_key=True),
    Column("title", String(60), nullable=False),
)

production = Table(
    "energy_production",
    energy_metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("price_area", String(8), primary_key=True),
    Column("type", String(20), primary_key=True),
    Column("day", Integer, nullable=False),
    Column("mwh", Double, nullable=False),
)

consumption = Table(
    "energy_consumption",
    energy_metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("municipality", Integer, primary_key=True, autoincrement=False),
    Column("branch", String(20), primary_key=True),
    Column("day", Integer, nullable=False),
    Column("price_area", String(8), nullable=False),
    Column("mwh", Double, nullable=False),
)

exchange = Table(
    "energy_exchange",
    energy_metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("from_area", String(8), primary_key=True),
    Column("to_area", String(8), primary_key=True),
    Column("day", Integer, nullable=False),
    Column("mwh", Double, nullable=False),  # positive: out of from_area
)
