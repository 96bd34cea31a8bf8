"""The key pair that lets this run, and nobody else, log in to the builder.

Needs   nothing
Gives   KeyPair, tagged with the run; the private half stays in the run store
Costs   nothing
"""

from notebake.aws.model import Image, KeyPair
from notebake.images.baked import accepted_image
from notebake.machines import ssh_access
from notebake.machines.ssh_access import ensure_key_pair, remove_key_pair
from notebake.runbook.step import Step
from notebake.runs.run import Run

ROLE = "builder"


def find(run: Run) -> KeyPair | Image | None:
    """Return the run's key pair if EC2 has it, or the accepted image that needs none any more."""
    return ssh_access.find_key_pair(run, ROLE) or accepted_image(run)


def make(run: Run) -> KeyPair:
    """Give EC2 the public half of the run's own key."""
    return ensure_key_pair(run, ROLE)


def undo(run: Run) -> None:
    """Remove the key pair from EC2."""
    remove_key_pair(run, ROLE)


STEP = Step("import_key_pair", "Make a key pair", find, make, undo)
