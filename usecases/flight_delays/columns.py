"""Names of the columns the model takes, predicts, and must never see.

Owns names and types only; where the values come from is `observations`.
"""

from __future__ import annotations

from typing import Final

from usecases.contract import Datatype, RawInput

LABEL: Final = "late"
EVENT_DATE: Final = "flight_date"
LATE_MINUTES: Final = 15

CALENDAR: Final = ("year", "month", "day", "sched_dep_time", "sched_arr_time")
CATEGORIES: Final = ("carrier", "origin", "dest")
WEATHER: Final = (
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
)
MEASURES: Final = ("distance", "plane_year", "plane_seats", *WEATHER)

_MEANING: Final = {
    "year": "year of departure, local",
    "month": "month of departure, local",
    "day": "day of the month of departure, local",
    "sched_dep_time": "scheduled departure, local",
    "sched_arr_time": "scheduled arrival, local at the destination",
    "carrier": "two-character carrier code",
    "origin": "airport of departure, FAA code",
    "dest": "airport of arrival, FAA code",
    "distance": "distance between the airports",
    "plane_year": "year the plane was made, where it is known",
    "plane_seats": "seats of the plane, where they are known",
    "temp": "temperature at the origin",
    "dewp": "dew point at the origin",
    "humid": "relative humidity at the origin",
    "wind_dir": "wind direction at the origin",
    "wind_speed": "wind speed at the origin",
    "wind_gust": "wind gust at the origin",
    "precip": "precipitation at the origin",
    "pressure": "sea level pressure at the origin",
    "visib": "visibility at the origin",
}
_UNIT: Final = {
    "sched_dep_time": "HHMM",
    "sched_arr_time": "HHMM",
    "distance": "miles",
    "temp": "°F",
    "dewp": "°F",
    "humid": "%",
    "wind_dir": "degrees",
    "wind_speed": "mph",
    "wind_gust": "mph",
    "precip": "inches",
    "pressure": "millibars",
    "visib": "miles",
}
_VALUES: Final = {"origin": ("EWR", "JFK", "LGA")}
_DATATYPES: Final[tuple[tuple[Datatype, tuple[str, ...]], ...]] = (
    ("INT64", CALENDAR),
    ("BYTES", CATEGORIES),
    ("FP32", MEASURES),
)

INPUTS: Final = tuple(
    RawInput(name, datatype, _MEANING[name], _UNIT.get(name, ""), _VALUES.get(name, ()))
    for datatype, names in _DATATYPES
    for name in names
)
