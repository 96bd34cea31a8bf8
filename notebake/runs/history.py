"""The runs of a run store as a list: sealed ones by their seals, the others as they are now."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from notebake.runs.history_row import HistoryRow
from notebake.runs.open_store import open_store
from notebake.runs.reserved_ids import RESERVED_IDS
from notebake.runs.run_record import record_place, recorded_runs
from notebake.runs.sealed_rows import sealed_rows

READERS = 8
Wanted = Callable[[HistoryRow], bool]


def list_rows(
    location: str, *, newest: int | None = None, wanted: Wanted | None = None
) -> tuple[list[HistoryRow], int]:
    """Return the rows that are wanted, oldest first, and the number of older ones left out.

    `newest` limits how many are returned; without `wanted` the others are not read.
    """
    known = _known_rows(location)
    known.sort(key=lambda row: (row.began, row.run_id))
    if wanted is None:
        shown = _newest(known, newest)
        return _read(shown, location), len(known) - len(shown)
    rows = [row for row in _read(known, location) if wanted(row)]
    return _newest(rows, newest), len(rows) - len(_newest(rows, newest))


def _newest(rows: list[HistoryRow], newest: int | None) -> list[HistoryRow]:
    return rows if newest is None else rows[max(0, len(rows) - newest) :]


def _known_rows(location: str) -> list[HistoryRow]:
    """Return the rows of sealed runs, and the others with nothing but their ids and times."""
    place, store = record_place(location), open_store(location)
    # On S3 each of the three takes a request for a thousand runs.
    with ThreadPoolExecutor(2) as pool:
        listed = pool.submit(store.list_top_level)
        in_record = pool.submit(recorded_runs, place)
        rows = sealed_rows(location)
    sealed = {row.run_id for row in rows}
    recorded, begun = in_record.result() - sealed, {*listed.result()} - sealed - RESERVED_IDS
    if not recorded | begun:
        return rows
    # Imported here, as the recipe is slow to import and a sealed run does not need it.
    from notebake.runs.live_rows import find_unsealed

    return [*rows, *find_unsealed(location, begun, recorded)]


def _read(rows: Sequence[HistoryRow], location: str) -> list[HistoryRow]:
    """Return the rows with what is known of the runs that are not sealed now."""
    if all(row.is_sealed for row in rows):
        return list(rows)
    from notebake.runs.live_rows import read_now

    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda row: row if row.is_sealed else read_now(row, location), rows))
