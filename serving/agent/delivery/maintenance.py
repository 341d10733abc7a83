"""Maintenance of the log's tables, which get a commit every few seconds, for years.

Owns when small files are joined and old ones deleted. A failure is logged and does no harm: another
agent at the same table may have been faster.
"""

import time
from dataclasses import dataclass, field

from serving import logs
from serving.agent.delivery.tables import STORE_ERRORS, Table

_COMMITS = 100
"""Commits after which small files are joined. A commit's cost grows by about 0.1 ms a file."""
_VACUUM_SECONDS = 3600.0


@dataclass(slots=True)
class TableMaintenance:
    """Maintains one table.

    Attributes:
        table: the table.
        name: its name, for events.
        commits: after how many of them small files are joined.
    """

    table: Table
    name: str
    commits: int = _COMMITS
    _since: int = field(default=0, init=False)
    _vacuum_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        # An agent that is started again and again does not vacuum the table each time.
        self._vacuum_at = time.monotonic() + _VACUUM_SECONDS / 4

    def committed(self) -> None:
        """Count a commit, and do what is due."""
        self._since += 1
        if self._since < self.commits:
            return
        self._since = 0
        try:
            joined = self.table.compact()
            deleted = self._vacuum()
        except STORE_ERRORS as error:
            self.table.forget()
            logs.warning("log_upkeep_failed", table=self.name, error=str(error))
        else:
            logs.info("log_upkeep", table=self.name, joined=joined, deleted=deleted)

    def _vacuum(self) -> int:
        if time.monotonic() < self._vacuum_at:
            return 0
        self._vacuum_at = time.monotonic() + _VACUUM_SECONDS
        return self.table.vacuum()
