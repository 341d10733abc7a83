"""Becomes the process that a spec file describes: `launch.py SPEC.json`.

Supervisord's own command lines and environments go through two quoting rules, and every
local user may read a command line. A JSON file, mode 0600, has neither trouble.
Run by path with `python -I -S`: it imports the standard library only.
"""

import json
import os
import shutil
import sys


def main() -> None:
    """Replace this process by the one in the spec: argv, environment, folder."""
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs 10 ms here
        spec = json.load(file)
    os.chdir(spec["folder"])
    os.umask(0o077)
    # Its own alone; what an earlier start left there is of no use to anybody.
    if temporary := spec.get("temporary"):
        shutil.rmtree(temporary, ignore_errors=True)
        os.makedirs(temporary, exist_ok=True)  # noqa: PTH103 - as above
    os.execve(spec["argv"][0], spec["argv"], spec["environment"])  # noqa: S606


if __name__ == "__main__":
    main()
