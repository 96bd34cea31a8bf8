"""The builder's lease, renewed for as long as somebody works on it."""

import datetime
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from notebake import host as ssh
from notebake.aws import images, instances, tags
from notebake.builder import builder_host
from notebake.errors import NotebakeError
from notebake.recipe import expiry
from notebake.records import Run
from notebake.user_data import renew_lease

log = logging.getLogger(__name__)


@contextmanager
def keep_alive(run: Run) -> Iterator[None]:
    """Renew the builder's lease, four times in its length, until the block ends."""
    stop = threading.Event()
    seconds = run.recipe.lease_hours * 3600 / 4

    def renew_again_and_again() -> None:
        while not stop.wait(seconds):
            renew(run)

    thread = threading.Thread(target=renew_again_and_again, name="keep alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()


def renew(run: Run) -> bool:
    """Renew it on the machine and in its tag; False where there is no machine to renew it on."""
    try:
        instance = instances.find_builder(run)
        if instance is None or instance.state != "running":
            return False
        ssh.run_command(builder_host(run), renew_lease(run.recipe.lease_hours))
        ends = expiry(run.recipe, datetime.datetime.now(datetime.UTC))
        marks = {tags.EXPIRES: ends.isoformat(timespec="seconds")}
        images.add_tags(run.recipe.region, [instance.id], marks)
    except NotebakeError as error:
        log.warning("The lease of the builder was not renewed, and ends as before: %s", error)
        return False
    log.debug("Renewed the lease of %s until %s", instance.id, ends)
    return True
