"""The journal as feedback sees it: labels that it keeps are counted."""

from collections.abc import Callable, Sequence

from serving.prediction_log.journal import Journal


class CountedJournal:
    """A journal whose kept records are counted."""

    def __init__(self, journal: Journal, count: Callable[[int], None]) -> None:
        """Keep in `journal`, and tell `count` how many were kept."""
        self._journal = journal
        self._count = count

    def append(self, records: Sequence[bytes]) -> bool:
        """Keep encoded records, all or none; whether they were kept."""
        kept = self._journal.append(records)
        if kept:
            self._count(len(records))
        return kept
