"""Keeps with a run what the sources of its datasets say just before they are fetched.

A source that changes between this question and the end of the fetch is later called changed, which
costs a new image; the other order would call it unchanged.
"""

import logging
from collections.abc import Sequence
from functools import partial

from notebake.errors import NotebakeError
from notebake.images.updates.side_by_side import ask_side_by_side
from notebake.images.updates.source_state import (
    FILE,
    KeptStates,
    SourceState,
    ask_source,
    parse_states,
)
from notebake.recipe import Dataset
from notebake.runs import files
from notebake.runs.run import Run
from notebake.timeouts import SOURCE_SECONDS

log = logging.getLogger(__name__)


def keep_states(run: Run, fetched: Sequence[Dataset]) -> None:
    """Keep the states of the datasets that are about to be fetched, and those kept of the others.

    A source that does not answer is kept without any: that is no reason not to fetch it.

    Raises:
        RunStoreError: the store failed.
    """
    if not fetched:
        return
    earlier = parse_states(files.get_file(run, FILE) or b"{}")
    calls = [partial(ask_source, dataset, run.region) for dataset in fetched]
    for dataset, answer in zip(fetched, ask_side_by_side(calls, SOURCE_SECONDS), strict=True):
        if isinstance(answer, NotebakeError):
            log.info("A check for updates cannot compare %s: %s", dataset.name, answer.message)
            earlier[dataset.source] = SourceState(name=dataset.name, source=dataset.source)
        else:
            earlier[dataset.source] = answer
    wanted = [dataset.source for dataset in run.recipe.datasets]
    kept = KeptStates(sources=tuple(earlier[source] for source in wanted if source in earlier))
    files.put_file(run, FILE, kept.model_dump_json(indent=2).encode())
