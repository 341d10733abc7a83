"""The part of docs/benchmarks.md on the model server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.serving import forms, goals, leak
from benchmarks.serving.contestants import SLIPWAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.serving.measurement import Measured
    from benchmarks.serving.rounds import Load, Result, Setting

CHART = "benchmarks-serving.png"
TITLE = "## The model server"
_INTRODUCTION = """\
The same ONNX graphs, the same onnxruntime options (one thread), the same client (wrk) and bodies,
in one run. Each server parses its own form of JSON (the Open Inference Protocol; BentoML: columns
by name), scores and answers JSON; each answer is compared with onnxruntime's own before a load is
put on. Slipway has metrics and the prediction log on; peers have their metrics on, no log a
request, and what their documentation advises (see `benchmarks/serving/handlers/`). The bare
handler is Granian, msgspec and onnxruntime with no check, limit, metric or log; the bare HTTP
floor is Granian with a static answer. With one worker all processes of a server share one core
and the client has the others; with more, servers and client share all cores.
Figures are medians; rounds in alternating order: {rounds}. Where the goal names a rival, it counts
with the number of workers that suits it best, as MLServer's make it slower here."""
_BOUNDS = """\
What bounds it, by the parts measured alone and by threads: of the 90 µs of one core that a request
of flights takes at 16 connections with the log off, Granian and the turns between its thread and
Python's loop take about 40 (a static answer 15, and 12 more as soon as the body is read), the graph
12 in batches of nine (82 alone), decoding twenty tensors 6 and checking them 9, the answer 7. The
log costs the worker 6 more and the agent, on the same core here, about 13. Ten times the peers
needs 75 µs at 16 connections; at 64, where batches are fuller, 9.2x to 9.5x are reached. 2.5 times
the floor is out of reach of any handler here that reads a body and runs the graph of flights: the
bare handler without a check, metric or log is 6.7 times from it.

What helped: scoring together what is there at the same time (5,900 to 10,300 a second), one array
for all inputs of one type, plain values in the log's records (half the price for worker and
agent), one write a batch, counts that reach the shared metrics five times a second, a collector
that looks less often. What was tried and left: waiting a turn of the loop or 10 to 100 µs for
fuller batches (16 instead of 9, yet 2 to 10% slower), types made of each model's signature for
decoding (4 µs less, for two ways through the code), Granian's other runtimes, its own tasks and
asyncio's loop (no faster). What is left to try: an HTTP server that hands over
head and body at once."""
_RATES = (
    "Requests a second by rows a request x connections; in brackets how many times it Slipway does."
)


def page(measured: Measured) -> str:
    """The whole part, from its title on."""
    loads = list(next(iter(next(iter(measured.results.values())).values())).figures)
    parts = [
        TITLE,
        _INTRODUCTION.format(rounds=measured.rounds),
        *(f"- {reason}" for reason in measured.absent),
        f"![Requests a second and p99, one row, 16 connections]({CHART})",
        _goals(measured),
        _BOUNDS,
        *(_setting(measured, setting, loads) for setting in measured.results),
        _weights(measured),
        _forms(measured),
        _leak(measured.leak),
    ]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _goals(measured: Measured) -> str:
    rows = [
        (each.setting, each.what, each.measured, "met" if each.met else "**missed**")
        for each in goals.verdicts(measured)
    ]
    load = goals.LOAD
    title = f"### The goal: one row, {load.connections} connections"
    return f"{title}\n\n{table(('', 'goal', 'measured', ''), rows)}"


def _setting(measured: Measured, setting: Setting, loads: Sequence[Load]) -> str:
    by_name = measured.results[setting]
    title = f"### {measured.labels[setting.model].capitalize()}, {goals.workers(setting.workers)}"
    head = ["", *(f"{load.rows} x {load.connections}" for load in loads)]
    rates = [[name, *(_rate(by_name, name, load) for load in loads)] for name in by_name]
    delays = [
        [name, *(_delays(result, load) for load in loads)] for name, result in by_name.items()
    ]
    return "\n\n".join(
        [
            title,
            _RATES,
            table(head, rates),
            "Milliseconds to the answer: p50 / p99 / p99.9.",
            table(head, delays),
        ]
    )


def _rate(by_name: dict[str, Result], name: str, load: Load) -> str:
    figures, ours = by_name[name].figures[load], by_name[SLIPWAY.name].figures[load]
    errors = f", {figures.errors} failed" if figures.errors else ""
    ratio = f"{ours.rate / figures.rate:.3g}x" if figures.rate else "-"
    return f"{figures.rate:,.0f} ({ratio}{errors})"


def _delays(result: Result, load: Load) -> str:
    seen = result.figures[load]
    return " / ".join(f"{value:.3g}" for value in (seen.p50, seen.p99, seen.p999))


def _weights(measured: Measured) -> str:
    settings = list(measured.results)
    head = ["", *(f"{measured.labels[s.model]}, {goals.workers(s.workers)}" for s in settings)]
    rows = [
        [each.name, *(_weight(measured.results[s][each.name]) for s in settings)]
        for each in measured.contestants
    ]
    logs = [log for s in settings for log in measured.results[s][SLIPWAY.name].logs]
    log = (
        f"Slipway's log kept {sum(each.predictions for each in logs):,} predictions of these loads"
        f" and dropped {sum(each.dropped for each in logs):,};\nwhen a server's loads ended at most"
        f" {max((each.waiting for each in logs), default=0):.0f} MiB waited for their table."
        " Requests of 64 rows write\nup to 65 MB a second into the journal, which may hold 256 MiB."
    )
    return (
        "### Start and memory\n\nSeconds from the start to the first answered prediction, and MiB"
        " of all processes after the loads (pages\nthat they share count once).\n\n"
        f"{table(head, rows)}\n\n{log}"
    )


def _weight(result: Result) -> str:
    return f"{result.seconds:.1f} s, {result.mebibytes:.0f} MiB"


def _forms(measured: Measured) -> str:
    usual = measured.forms[forms.JSON]
    rows = [
        (
            name,
            str(forms.connections(name)),
            f"{seen.rate:,.0f}",
            f"{seen.rate / usual.rate:.2f}x",
            f"{seen.p50:.2f} / {seen.p99:.2f} / {seen.p999:.2f}",
            str(seen.errors),
        )
        for name, seen in measured.forms.items()
    ]
    head = ("", "connections", "requests/s", "of the usual", "ms, p50 / p99 / p99.9", "failed")
    return (
        "### Slipway's forms and options\n\nThe flight model, one row, one worker.\n\n"
        f"{table(head, rows)}"
    )


def _leak(weighed: leak.Leak) -> str:
    rows = [
        (
            who,
            f"{weighed.settled[0][place]:.0f}",
            f"{weighed.settled[-1][place]:.0f}",
            f"{slope:+.1f}",
        )
        for place, (who, slope) in enumerate(
            zip(("server and worker", "agent"), weighed.slopes, strict=True), start=1
        )
    ]
    head = ("MiB", "after warming up", "at the end", "a million requests")
    verdict = "met" if weighed.slopes[0] < leak.BOUND else "**missed**"
    return (
        f"### Memory over {weighed.requests:,} requests\n\nOne worker, log on, {weighed.errors}"
        " requests failed. The last column is the slope by least squares; below"
        f"\n{leak.BOUND:.0f} MiB for what answers is flat: {verdict}.\n\n{table(head, rows)}"
    )
