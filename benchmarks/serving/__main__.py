"""`python -m benchmarks.serving`: a quick look at some contestants; nothing is written.

For whoever tunes the server. The whole measurement is `python -m benchmarks serving`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.serving import contestants, look

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.serving", description=__doc__)
    parser.add_argument(
        "--only", default=",".join(look.OURS), help="with commas; also kserve, mlserver, bentoml"
    )
    parser.add_argument("--model", default="flight-delays", choices=("flight-delays", "dense"))
    parser.add_argument("--rows", type=int, default=1, help="0: 1 and 64")
    parser.add_argument("--connections", type=int, default=16, help="0: 1, 16 and 64")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=2, help="a load")
    parser.add_argument("--rounds", type=int, default=1, help="figures are their median")
    parser.add_argument(
        "--tree", type=Path, default=contestants.ROOT, help="the checkout whose server is measured"
    )
    look.main(parser.parse_args())
