"""Names of the columns the model takes, predicts, and must never see.

Owns names and types only; where the values come from is `observations`.
"""

from __future__ import annotations

from typing import Final

from usecases.contract import RawInput

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

OUTCOMES: Final = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")
"""Known only after departure: no feature may depend on one of them."""

_MEANING: Final = {
    "year": "year of departure, local",
    "month": "month of departure, local",
    "day": "day of the month of departure, local",
    "sched_dep_time": "scheduled departure, local HHMM",
    "sched_arr_time": "scheduled arrival, local HHMM at the destination",
    "carrier": "two-character carrier code",
    "origin": "airport of departure: EWR, JFK or LGA",
    "dest": "airport of arrival, FAA code",
    "distance": "miles between the airports",
    "plane_year": "year the plane was made; NaN if not known",
    "plane_seats": "seats of the plane; NaN if not known",
    "temp": "temperature at the origin, F",
    "dewp": "dew point at the origin, F",
    "humid": "relative humidity at the origin, %",
    "wind_dir": "wind direction at the origin, degrees",
    "wind_speed": "wind speed at the origin, mph",
    "wind_gust": "wind gust at the origin, mph",
    "precip": "precipitation at the origin, inches",
    "pressure": "sea level pressure at the origin, millibars",
    "visib": "visibility at the origin, miles",
}

INPUTS: Final = (
    *(RawInput(name, "INT64", _MEANING[name]) for name in CALENDAR),
    *(RawInput(name, "BYTES", _MEANING[name]) for name in CATEGORIES),
    *(RawInput(name, "FP32", _MEANING[name]) for name in MEASURES),
)
