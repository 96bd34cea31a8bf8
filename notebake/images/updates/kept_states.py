"""Keeps with a run what the sources of its datasets say just before they are fetched.

A source that changes between this question and the end of the fetch is later called changed, which
costs a new image; the other order would call it unchanged.
"""

import logging
from collections.abc import Sequence

from notebake import clock
from notebake.errors import NotebakeError, WrongAccountError
from notebake.images.updates.source_state import (
    FILE,
    KeptStates,
    SourceState,
    ask_source,
    parse_states,
)
from notebake.recipe import Dataset
from notebake.runs import files
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.timeouts import SOURCE_SECONDS

log = logging.getLogger(__name__)
MOST_SECONDS = 3 * SOURCE_SECONDS
"""No source is asked any more after so long: a private network may let the worker reach none."""


def keep_states(run: Run, fetched: Sequence[Dataset]) -> None:
    """Keep the states of the datasets that are about to be fetched, and those kept of the others.

    A dataset that came with the image before has the state that was kept with it. A source that
    does not answer is kept without any: that is no reason not to fetch it.

    Raises:
        RunStoreError: the store failed.
    """
    kept_before = files.get_file(run, FILE)
    if not fetched and (kept_before or not run.recipe.previous):
        return
    states = parse_states(kept_before or _states_of_previous(run) or b"{}")
    began = clock.elapsed()
    for dataset in fetched:
        states[dataset.source] = SourceState(name=dataset.name, source=dataset.source)
        if clock.elapsed() - began < MOST_SECONDS:
            try:
                states[dataset.source] = ask_source(dataset, run.region)
            except WrongAccountError:
                raise
            except NotebakeError as error:
                log.info("What %s is now is not kept: %s", dataset.source, error.message)
    wanted = [dataset.source for dataset in run.recipe.datasets]
    kept = KeptStates(sources=tuple(states[source] for source in wanted if source in states))
    files.put_file(run, FILE, kept.model_dump_json(indent=2).encode())


def _states_of_previous(run: Run) -> bytes | None:
    """Return what the run of the image before has kept, if this one starts from that image."""
    previous = run.recipe.previous
    stored = open_store(run.store).read(f"{previous.run_id}/{FILE}") if previous else None
    return stored.content if stored else None
