"""Proves that the image works: machines that booted from it pass the same checks as the builder.

Needs   the machines from the image
Gives   Proof, in sentences; the executed notebooks are in the run store
Costs   nothing of its own
"""

from notebake.acceptance.evidence import Proof
from notebake.acceptance.inspection import evidence_name
from notebake.acceptance.machines import ROLE, find_machines
from notebake.acceptance.proof import find_proof, prove
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
from notebake.images.image_state import current_image
from notebake.notebook.kept_results import find_earlier_verdict, record_machine
from notebake.resources import stack_instances
from notebake.runbook.step import Step
from notebake.runs.lock import RunLostError
from notebake.runs.run import Run


def find(run: Run) -> Proof | None:
    """Return the stored proof of the run's image."""
    image = current_image(run)
    return find_proof(run, image) if image else None


def make(run: Run) -> Proof:
    """Inspect the machines.

    Raises:
        ImageNotAcceptedError: the image failed; the message has the reason.
        ResourceLostError: a machine from it is missing, ended or accepted no ssh login; the next
            launch replaces it.
        HostUnreachableError: a machine is unreachable. Like errors of AWS or of the run store,
            that proves nothing about the image.
    """
    image = current_image(run)
    if image is None:
        raise ResourceLostError(f"The image of run {run.id} is gone.").with_next(resume(run.id))
    try:
        return prove(run, image, find_machines(run, image))
    except NotebakeError as error:
        if not is_about_image(error):
            raise
        raise ImageNotAcceptedError(
            f"{image.id} is not accepted. {error.message}", error.hint
        ).with_next(*error.next_commands) from error


def forget_evidence(run: Run) -> None:
    """Forget the results of machines from the image, so that they are inspected again."""
    for machine in stack_instances.find_instances(run, ROLE):
        if find_earlier_verdict(run, machine.id, evidence_name(machine)):
            record_machine(run, "", evidence_name(machine))


def is_about_image(error: NotebakeError) -> bool:
    """Return whether an error is caused by the image, and not by an unreachable machine or AWS."""
    if isinstance(error, HostUnreachableError):
        return isinstance(error, LoginRefusedError)
    return not isinstance(error, (ResourceLostError, CloudError, RunStoreError, RunLostError))


STEP = Step("prove_image", "Prove the image", find, make)
