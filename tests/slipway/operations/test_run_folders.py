"""Folders of pipeline runs: one run, one folder."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from slipway.operations import training

AT_ONCE = 32


def test_runs_that_start_at_one_moment_have_a_folder_each(tmp_path: Path) -> None:
    """However many they are; what was there before is nobody's."""
    runs = tmp_path / "runs"
    before = training._new_folder(runs, "training")
    together = threading.Barrier(AT_ONCE)

    def start(_: int) -> Path:
        together.wait()
        return training._new_folder(runs, "training")

    with ThreadPoolExecutor(AT_ONCE) as threads:
        folders = list(threads.map(start, range(AT_ONCE)))

    assert len({before, *folders}) == AT_ONCE + 1
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
