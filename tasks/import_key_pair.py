"""The key pair that lets this run, and nobody else, log in to the builder.

Needs   nothing
Gives   KeyPair, tagged with the run; the private half stays in the run store
Costs   nothing
"""

import logging

from notebake import keys, runs
from notebake.aws import key_pairs
from notebake.builder import accepted_image
from notebake.records import Image, KeyPair, Run
from notebake.step import Step

log = logging.getLogger(__name__)
ROLE = "builder"


def find_key_pair(run: Run) -> KeyPair | Image | None:
    """Return the run's key pair if EC2 has it, or the accepted image that needs none any more."""
    return key_pairs.find_key_pair(run, ROLE) or accepted_image(run)


def make_key_pair(run: Run) -> KeyPair:
    """Give EC2 the public half of the run's own key."""
    runs.record_intent(run, "import_key_pair", {"name": key_pairs.key_pair_name(run, ROLE)})
    return key_pairs.import_key_pair(run, ROLE, keys.keys_of(run, ROLE).public)


def delete_key_pair(run: Run) -> None:
    """Remove the key pair from EC2."""
    if found := key_pairs.find_key_pair(run, ROLE):
        log.info("Deleting the key pair %s", found.name)
        key_pairs.delete_key_pair(found, run.recipe.region)


STEP = Step("import_key_pair", "Make a key pair", find_key_pair, make_key_pair, delete_key_pair)
