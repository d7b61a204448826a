"""What does not change in the sample's world: areas, municipalities, branches, borders."""

from __future__ import annotations

from typing import Final

PRICE_AREAS: Final = {
    "DK1": "Denmark",
    "DK2": "Denmark",
    "SE4": "Sweden",
    "NO2": "Norway",
    "SE3": "Sweden",
    "DE": "Germany",
}

AREA_SCALE: Final = {"DK1": 1.0, "DK2": 0.7, "SE4": 0.9, "NO2": 1.6, "SE3": 2.4, "DE": 9.0}
"""Size of an area's power system, relative to western Denmark."""

PRODUCTION_TYPES: Final = {
    "wind_onshore": 900.0,
    "wind_offshore": 700.0,
    "solar": 450.0,
    "thermal": 600.0,
    "hydro": 150.0,
    "biomass": 250.0,
}
"""Type -> mean hourly production in MWh of an area of scale 1."""

BRANCHES: Final = {"households": "Households", "industry": "Industry", "services": "Services"}

BORDERS: Final = (
    ("DK1", "DK2"),
    ("DK1", "NO2"),
    ("DK1", "SE3"),
    ("DK1", "DE"),
    ("DK2", "SE4"),
    ("DK2", "DE"),
    ("SE3", "SE4"),
)

MUNICIPALITIES: Final = {
    101: ("København", "DK2", 660_000),
    751: ("Aarhus", "DK1", 367_000),
    851: ("Aalborg", "DK1", 224_000),
    461: ("Odense", "DK1", 209_000),
    561: ("Esbjerg", "DK1", 115_000),
    621: ("Kolding", "DK1", 95_000),
    730: ("Randers", "DK1", 99_000),
    657: ("Herning", "DK1", 90_000),
    615: ("Horsens", "DK1", 97_000),
    630: ("Vejle", "DK1", 121_000),
    740: ("Silkeborg", "DK1", 100_000),
    791: ("Viborg", "DK1", 97_000),
    540: ("Sønderborg", "DK1", 74_000),
    147: ("Frederiksberg", "DK2", 105_000),
    157: ("Gentofte", "DK2", 74_000),
    265: ("Roskilde", "DK2", 91_000),
    217: ("Helsingør", "DK2", 64_000),
    219: ("Hillerød", "DK2", 55_000),
    259: ("Køge", "DK2", 63_000),
    316: ("Holbæk", "DK2", 74_000),
    330: ("Slagelse", "DK2", 80_000),
    370: ("Næstved", "DK2", 84_000),
    376: ("Guldborgsund", "DK2", 60_000),
    400: ("Bornholm", "DK2", 39_000),
}
"""Code -> name, price area, inhabitants."""

AREA_OF: Final = {code: area for code, (_, area, _) in MUNICIPALITIES.items()}
