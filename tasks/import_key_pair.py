"""Imports the key pair with which this run logs in to the builder.

Needs   nothing
Gives   KeyPair, tagged with the run; the private key stays in the run store
Costs   nothing
"""

from notebake.aws.model import Image, KeyPair
from notebake.images.image_state import accepted_image
from notebake.machines import ssh_access
from notebake.machines.ssh_access import ensure_key_pair, remove_key_pair
from notebake.runbook.step import Step
from notebake.runs.run import Run

ROLE = "builder"


def find(run: Run) -> KeyPair | Image | None:
    """Return the run's key pair, or the accepted image, which needs no key pair any more."""
    return ssh_access.find_key_pair(run, ROLE) or accepted_image(run)


def make(run: Run) -> KeyPair:
    """Import the public key of the run into EC2."""
    return ensure_key_pair(run, ROLE)


def undo(run: Run) -> None:
    """Delete the key pair in EC2."""
    remove_key_pair(run, ROLE)


STEP = Step("import_key_pair", "Make a key pair", find, make, undo)
