"""A quick look: some contestants, one model, one load, printed."""

from __future__ import annotations

import os,sys
from pathlib import Path
import pickle
from benchmarks.serving import contestants, models, rounds, wrk
from benchmarks.serving.upstream import Upstream

def main(only, model, rows, connections, workers, seconds, rounds: int, tree) -> None:
    from benchmarks.serving import rounds as r
    cache=Path('/tmp/s5/bench/models.pickle')
    if not cache.exists():
        cache.write_bytes(pickle.dumps([models.flights(Path('/tmp/s5/bench/lake'),64), models.synthetic(64)]))
    (m,)=[x for x in pickle.loads(cache.read_bytes()) if x.name==model]
    from benchmarks.serving import venvs
    peers={n: contestants.PEERS[n](venvs.python_of(n,print)) for n in only.split(',') if n in contestants.PEERS}
    known={'slipway':contestants.Contestant('Slipway','ours',contestants.slipway(tree)),'unlogged':contestants.Contestant('Slipway, log off','ours',contestants.slipway(tree,logs=False)),'bare':contestants.BARE,'floor':contestants.FLOOR, **peers}
    plan=r.Plan(rounds,seconds,tuple(r.Load(a,b) for a in ([rows] if rows else [1,64]) for b in ([connections] if connections else [1,16,64])),(workers,))
    with Upstream([m]) as up:
        res=r.measure(plan,[known[n] for n in only.split(',')],[m],up.address,lambda t: None)
    for setting, by in res.items():
        for load in plan.loads:
            print(setting, load)
            for n, x in by.items():
                f=x.figures[load]
                print(f"  {n:18} {f.rate:8.0f}/s p50 {f.p50:7.2f} p99 {f.p99:7.2f} p99.9 {f.p999:7.2f} ms errors {f.errors}  start {x.seconds:.2f}s {x.mebibytes:.0f} MiB")
