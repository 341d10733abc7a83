"""`python -m benchmarks.serving`: a quick look at some contestants; nothing is written.

For whoever tunes the server: `python -m benchmarks.serving --only slipway,floor` takes a few
seconds. The whole measurement is `python -m benchmarks serving`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.serving import contestants, look

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.serving", description=__doc__)
    parser.add_argument("--only", default="slipway,unlogged,bare,floor")
    parser.add_argument("--model", default="flight-delays")
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--tree", type=Path, default=contestants.ROOT)
    look.main(**vars(parser.parse_args()))
