"""The newest accepted image of a recipe, as the run store knows it, with what its run has kept."""

import datetime
import re
from collections.abc import Iterator

from notebake.aws.kinds import IMAGE, list_kind
from notebake.images.updates.kept_run import KeptRun
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.entry import Entry
from notebake.ledger.summarize import summarize
from notebake.ledger.summary import Result, Summary
from notebake.runs.history_row import NEVER
from notebake.runs.run_record import record_place, recorded_runs
from notebake.runs.seal_index import latest_seals
from notebake.runs.sealed_rows import sealed_rows
from notebake.timestamps import parse_timestamp

MOST_OPEN_RUNS = 5
"""So many of the newest open runs are read: an image can be accepted before its run is sealed."""
DONE = frozenset(("done", "found"))
GONE = "not there"
"""The state of an image that EC2 does not show to these credentials."""


class CurrentImage(KeptRun):
    """An accepted image, and the run that made it."""

    image_id: str
    accepted: datetime.datetime


def find_current(recipe_name: str, region: str, location: str) -> CurrentImage | None:
    """Return the image of a recipe in a region that was accepted last; None if none was.

    Of sealed runs only seals are read, the newest first: a few, however many runs the store has.

    Raises:
        RunStoreError: the store failed.
    """
    place = record_place(location)
    rows = sealed_rows(location)
    newest: CurrentImage | None = None
    for summary in _open_runs({row.run_id for row in rows}, recipe_name, location):
        newest = _newer(newest, accepted_image(summary, location), region)
    candidates = [
        row for row in rows if row.recipe == recipe_name and row.outcome == Result.ACCEPTED
    ]
    seals = latest_seals(place) if candidates else []
    keys = {key.split("/")[1]: key for key in seals}
    for row in sorted(candidates, key=lambda row: row.ended or NEVER, reverse=True):
        # A run may have ended long after its image was accepted, but never before.
        if newest and (row.ended or NEVER) <= newest.accepted:
            break
        sealed = _read_seal(keys.get(row.run_id, ""), place)
        if sealed:
            newest = _newer(newest, accepted_image(sealed, location), region)
    return newest


def find_state(image_id: str, region: str) -> str:
    """Return the state of an image in EC2's words, or `GONE`; one call.

    Raises:
        CloudError: EC2 refused, or gave no answer.
    """
    found = list_kind(region, IMAGE, IMAGE.id_filter, [image_id])
    return str(found[0]["State"]) if found else GONE


def accepted_image(summary: Summary, location: str) -> CurrentImage | None:
    """Return the accepted image of a run, also of one that is not sealed yet."""
    image_id, accepted = "", ""
    if summary.result == Result.ACCEPTED and summary.image:
        image_id, accepted = summary.image.id, summary.image.accepted
    else:
        images = [made for made in summary.created if made.operation == "CreateImage"]
        step = next((step for step in summary.steps if step.step == "publish_image"), None)
        is_accepted = images and step and step.outcome in DONE and images[-1].at < step.at
        if is_accepted and step and not images[-1].removed:
            image_id, accepted = images[-1].id, step.at
    at = parse_timestamp(accepted)
    if not image_id or at is None:
        return None
    return CurrentImage(summary=summary, image_id=image_id, accepted=at, store=location)


def _newer(
    one: CurrentImage | None, other: CurrentImage | None, region: str
) -> CurrentImage | None:
    if other is None or other.region != region:
        return one
    return other if one is None or other.accepted > one.accepted else one


def _read_seal(key: str, place: RecordPlace) -> Summary | None:
    """Return the summary in a seal; None if it is not there any more."""
    stored = place.store.read(place.prefix + key) if key else None
    if stored is None:
        return None
    return Summary.model_validate(Entry.model_validate_json(stored.content).body["summary"])


def _open_runs(sealed: set[str], recipe_name: str, location: str) -> Iterator[Summary]:
    """Yield the newest runs of a recipe that are not sealed, by the ids that notebake gives."""
    place = record_place(location)
    pattern = re.compile(rf"{re.escape(recipe_name)}-([0-9]{{8}}-[0-9]{{6}})-[0-9a-f]{{4}}")
    begun = {run_id: pattern.fullmatch(run_id) for run_id in recorded_runs(place) - sealed}
    own = sorted((found[1], run_id) for run_id, found in begun.items() if found)
    for _, run_id in own[-MOST_OPEN_RUNS:]:
        entries = Chain(place, run_id, Writer()).entries()
        if entries:
            yield summarize(run_id, entries)
