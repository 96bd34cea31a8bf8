"""What came of a run, gathered from where it lies: the account, the run store, the events."""

from notebake.acceptance.evidence import Proof
from notebake.acceptance.proof import find_proof
from notebake.aws import tags
from notebake.aws.model import Image, Resource
from notebake.images.baked import current_image
from notebake.record import Record
from notebake.resources.leftovers import left_over
from notebake.runs import files
from notebake.runs.run import Run


class BuildOutcome(Record):
    """What a build gave, and what is left of it."""

    image: Image
    is_accepted: bool
    proof: Proof | None
    notebook_path: str | None
    html_path: str | None
    left_behind: tuple[Resource, ...]


def look_at_outcome(run: Run) -> BuildOutcome | None:
    """Return what a run gave, after looking; None where there is no image."""
    image = current_image(run)
    if image is None:
        return None
    return BuildOutcome(
        image=image,
        is_accepted=tags.ACCEPTED in image.tags,
        proof=find_proof(run, image),
        notebook_path=_whereabouts(run, "notebook/executed.ipynb"),
        html_path=_whereabouts(run, "notebook/executed.html"),
        left_behind=tuple(left_over(run)),
    )


def _whereabouts(run: Run, name: str) -> str | None:
    """Return where a file of the run is, if it is there."""
    return files.file_location(run, name) if files.has_file(run, name) else None
