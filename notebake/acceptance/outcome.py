"""The outcome of a run, read from the account, the run store and the events."""

from notebake.acceptance.evidence import Proof
from notebake.acceptance.proof import find_proof
from notebake.aws import tags
from notebake.aws.model import Image, Resource
from notebake.images.image_state import current_image
from notebake.images.rebake.mark import read_mark
from notebake.record import Record
from notebake.resources.leftovers import find_leftovers
from notebake.runs import files
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.runs.run_record import run_record


class BuildOutcome(Record):
    """The results of a build, and what it has left behind."""

    image: Image
    is_accepted: bool
    proof: Proof | None
    notebook_path: str | None
    html_path: str | None
    left_behind: tuple[Resource, ...]
    record_anchor: str = ""
    """Number and hash of the last entry of the run's record; "" if it has none."""
    held_back: tuple[str, ...] = ()
    """Of a rebake: updates that were too new for its cooldown, with how old they were."""


def read_outcome(run: Run) -> BuildOutcome | None:
    """Return the current outcome of a run; None if it has no image."""
    image = current_image(run)
    if image is None:
        return None
    mark = read_mark(run.id, run.recipe, open_store(run.store))
    return BuildOutcome(
        image=image,
        is_accepted=tags.ACCEPTED in image.tags,
        proof=find_proof(run, image),
        notebook_path=_location(run, "notebook/executed.ipynb"),
        html_path=_location(run, "notebook/executed.html"),
        left_behind=tuple(find_leftovers(run)),
        record_anchor=str(run_record(run).chain.anchor() or ""),
        held_back=mark.held_back if mark else (),
    )


def _location(run: Run, name: str) -> str | None:
    return files.file_location(run, name) if files.has_file(run, name) else None
