"""How often something happened, by a counter: PromQL that gives whole numbers."""

from __future__ import annotations


def counted(counter: str, window: str) -> str:
    """How often a counter was counted up within a window: a whole number, series by series.

    `increase` would extrapolate to the window's ends, and show 1.02 of one. A series that began
    after its target was first asked began at 0. Where a process began anew within the window its
    lost counts are not known exactly, and the extrapolation is rounded.
    """
    within = f"{counter}[{window}]"
    scrapes = f"on (job, instance) group_left () count_over_time(up[{window}])"
    began = (
        f"((max_over_time({within}) unless {counter} offset {window})"
        f" and (count_over_time({within}) < {scrapes}))"
    )
    grown = f"(max_over_time({within}) - min_over_time({within}))"
    return f"((({began} or {grown}) unless resets({within}) > 0) or round(increase({within})))"
