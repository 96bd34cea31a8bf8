"""The images about whose removal somebody has been asked, and has not answered."""

from notebake.store.interface import RunStore


def find_awaiting_approval(region: str, store: RunStore) -> frozenset[str]:
    """Return the ids of the images of a region that an open approval names.

    A prune asks nobody, so no store has any. What asks keeps its questions in the run store, and
    is read here.
    """
    del region, store
    return frozenset()
