"""The proof that the image works: machines booted from it pass what the builder passed.

Needs   the machines from the image
Gives   Proof, in sentences; the executed notebooks lie in the run store
Costs   nothing of its own
"""

from notebake.acceptance.evidence import Proof
from notebake.acceptance.proof import find_proof, kept_as, prove
from notebake.errors import (
    CloudError,
    HostUnreachableError,
    ImageNotAcceptedError,
    LoginRefusedError,
    NotebakeError,
    ResourceLostError,
    RunStoreError,
    resume,
)
from notebake.images.baked import current_image
from notebake.notebook.kept_results import find_earlier_verdict, record_machine
from notebake.resources import own_machines
from notebake.runbook.step import Step
from notebake.runs.lock import RunLostError
from notebake.runs.run import Run


def find(run: Run) -> Proof | None:
    """Return the proof of the run's image, if it has been given."""
    image = current_image(run)
    return find_proof(run, image) if image else None


def make(run: Run) -> Proof:
    """Put the machines to the test.

    Raises:
        ImageNotAcceptedError: the image did not pass; the message says why.
        ResourceLostError: a machine from it ended or accepted no ssh login; the next launch
            replaces it.
        HostUnreachableError: a machine is unreachable. Like errors of AWS or of the run store,
            that says nothing about the image.
    """
    image = current_image(run)
    machines = own_machines.find_instances(run, "acceptance")
    if image is None or not machines:
        raise ResourceLostError(f"The image of run {run.id} or its machines are gone.").with_next(
            resume(run.id)
        )
    try:
        return prove(run, image, machines)
    except NotebakeError as error:
        if not is_about_image(error):
            raise
        raise ImageNotAcceptedError(
            f"{image.id} is not accepted. {error.message}", error.hint
        ).with_next(*error.next_commands) from error


def forget_shown(run: Run) -> None:
    """Forget what machines from the image have shown: whoever goes back wants it shown again."""
    for machine in own_machines.find_instances(run, "acceptance"):
        if find_earlier_verdict(run, machine.id, kept_as(machine)):
            record_machine(run, "", kept_as(machine))


def is_about_image(error: NotebakeError) -> bool:
    """Tell whether an error says that the image is wrong, and not only that nobody could look."""
    if isinstance(error, HostUnreachableError):
        return isinstance(error, LoginRefusedError)
    return not isinstance(error, (ResourceLostError, CloudError, RunStoreError, RunLostError))


STEP = Step("prove_image", "Prove the image", find, make)
