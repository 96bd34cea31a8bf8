"""Which datasets differ between two images, by what their sources said before each bake."""

from notebake.images.difference.kept_finding import kept_finding
from notebake.images.updates.compare_sources import compare_states
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.kept_run import KeptRun
from notebake.images.updates.source_state import FILE, SourceState, parse_states

ADDED, REMOVED = "new in the recipe", "no longer in the recipe"


def compare_datasets(before: KeptRun, after: KeptRun) -> CauseFinding:
    """Compare the datasets by their sources.

    Raises:
        RunStoreError: the store failed.
    """
    old, new = _named(before), _named(after)
    changes, faults = list[Change](), list[str]()
    for source in old.keys() - new.keys():
        changes.append(Change(name=old[source], old=source, new=None, detail=REMOVED))
    for source in new.keys() - old.keys():
        changes.append(Change(name=new[source], old=None, new=source, detail=ADDED))
    both = [source for source in new if source in old]
    states = [_states(run, faults) for run in (before, after)] if both else [{}, {}]
    fixed = _fixed(before) & _fixed(after)
    for source in both:
        was, now = (each.get(source) for each in states)
        if was is None or now is None:
            faults.append(f"What {source} was is not kept of both runs.")
            continue
        found = compare_states(was, now, is_content_fixed=source in fixed)
        if isinstance(found, Change):
            changes.append(found)
        elif found:
            faults.append(found)
    changes.sort(key=lambda change: change.name)
    return kept_finding("data", changes, faults)


def _named(run: KeptRun) -> dict[str, str]:
    """Return the names of the recipe's datasets, by their sources."""
    return {str(each["source"]): str(each["name"]) for each in _datasets(run)}


def _fixed(run: KeptRun) -> set[tuple[str, str]] | set[str]:
    return {str(each["source"]) for each in _datasets(run) if each.get("sha256")}


def _datasets(run: KeptRun) -> list[dict[str, object]]:
    return list(run.summary.recipe.get("datasets") or ())


def _states(run: KeptRun, faults: list[str]) -> dict[str, SourceState]:
    content, missing = run.read_file(FILE)
    if content is None:
        faults.append(f"{missing}.")
        return {}
    return parse_states(content)
