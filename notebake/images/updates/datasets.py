"""Whether the datasets at their sources are still those that were fetched, without fetching them.

Of a file with a checksum in the recipe only the size is compared: its content is fixed, and a bake
refuses any other. Otherwise a checksum of the source decides, then its ETag, then size and date.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from notebake.errors import NotebakeError
from notebake.humanize import first_line
from notebake.images.updates.compare_sources import compare_states
from notebake.images.updates.current import CurrentImage
from notebake.images.updates.finding import CauseFinding, Change, State
from notebake.images.updates.side_by_side import ask_side_by_side
from notebake.images.updates.source_state import FILE, SourceState, ask_source, parse_states
from notebake.recipe import Dataset, Recipe
from notebake.timeouts import SOURCE_SECONDS

MOST_ON_S3 = 8
"""So many sources on S3 are asked: a check makes at most 20 calls."""
HOW = (
    "Size, checksum, ETag and date of each source, as it tells them, were compared with those just"
    " before the bake fetched it."
)


def check_datasets(current: CurrentImage, recipe: Recipe) -> CauseFinding:
    """Ask the sources of the recipe's datasets, and compare them with what the run has kept.

    Raises:
        RunStoreError: the store failed.
    """
    recorded = current.summary.recipe.get("datasets") or ()
    if not recipe.datasets and not recorded:
        return CauseFinding(cause="data", state="unchanged", how="The recipe names no dataset.")
    content, missing = current.read_file(FILE)
    kept = parse_states(content) if content else {}
    earlier = {str(dataset.get("source")): str(dataset.get("name")) for dataset in recorded}
    if content:
        earlier = {source: state.name for source, state in kept.items()}
    old = [dataset for dataset in recipe.datasets if dataset.source in earlier]
    asked = _ask(old, recipe.region) if content else [NotebakeError(f"{missing}.") for _ in old]
    changes, doubts = [*_added_and_removed(recipe, earlier)], list[str]()
    for dataset, now in zip(old, asked, strict=True):
        found = _judge(dataset, kept, now)
        if isinstance(found, Change):
            changes.append(found)
        elif found:
            doubts.append(found)
    state: State = "changed" if changes else "not checked" if doubts else "unchanged"
    reason = " ".join(dict.fromkeys(doubts))
    return CauseFinding(cause="data", state=state, how=HOW, reason=reason, changes=tuple(changes))


def _ask(datasets: list[Dataset], region: str) -> list[SourceState | NotebakeError]:
    on_s3 = [dataset for dataset in datasets if dataset.source.startswith("s3://")]
    left_out = {dataset.source for dataset in on_s3[MOST_ON_S3:]}
    calls = [
        partial(_leave_out if dataset.source in left_out else ask_source, dataset, region)
        for dataset in datasets
    ]
    return ask_side_by_side(calls, 2 * SOURCE_SECONDS)


def _leave_out(dataset: Dataset, region: str) -> SourceState:
    del region
    raise NotebakeError(
        f"{dataset.source} was not asked: of sources on S3 only the first {MOST_ON_S3} are."
    )


def _judge(
    dataset: Dataset, kept: Mapping[str, SourceState], now: SourceState | NotebakeError
) -> Change | str:
    """Return what has changed, or why that is not known; "" if nothing has."""
    before = kept.get(dataset.source)
    if isinstance(now, NotebakeError):
        return first_line(now.message)
    if before is None:
        return f"The run has kept nothing of {dataset.source}."
    return compare_states(before, now, is_content_fixed=dataset.sha256 is not None)


def _added_and_removed(recipe: Recipe, earlier: Mapping[str, str]) -> Iterator[Change]:
    """Yield the datasets whose source only one of the two recipes names."""
    now = {dataset.source: dataset.name for dataset in recipe.datasets}
    for source, name in earlier.items():
        if source not in now:
            yield Change(name=name, old=source, new=None, detail="no longer in the recipe")
    for source, name in now.items():
        if source not in earlier:
            yield Change(name=name, old=None, new=source, detail="new in the recipe")
