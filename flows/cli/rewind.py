"""Going back: a step, and all that follow it, as if they had not been done."""

from flows.build_plan import BUILD
from notebake.aws import tags
from notebake.commands import markers
from notebake.errors import NextCommand, NotebakeError
from notebake.images.image_state import current_image
from notebake.machines.builder import builder_host
from notebake.resources import stack_instances
from notebake.runbook.step import Step
from notebake.runs.executing import executing
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from tasks import clean_host, prove_image, restart_host, wait_for_host


def rewind(run: Run, from_step: str) -> None:
    """Undo what can be undone of a step and its followers, and take their markers away.

    A builder that was stopped or sealed is brought back where work on it is undone: the markers
    lie on it. Where only what follows the seal is undone, it stays as it is.

    Raises:
        NotebakeError: there is no such step, or the image is accepted already.
    """
    order = list(BUILD)
    names = [step.name for step in order]
    if from_step not in names:
        raise NotebakeError(f"There is no step {from_step}.", f"Steps: {', '.join(names)}")
    with executing(run):
        image = current_image(run)
        if image and tags.ACCEPTED in image.tags:
            raise NotebakeError(f"{image.id} is accepted already.").with_next(
                NextCommand(("build", "RECIPE"), "To build another image")
            )
        go_back(run, order[names.index(from_step) :])


def go_back(run: Run, again: list[Step]) -> None:
    """Make these steps undone."""
    for step in reversed(again):
        if step.undo:
            step.undo(run)
    restart_host.forget_restart(run)
    prove_image.forget_evidence(run)
    is_work_undone = clean_host.STEP in again
    if is_work_undone and stack_instances.find_builder(run):
        wait_for_host.make(run)
        host = builder_host(run)
        for step in again:
            ssh.run_command(host, markers.remove_marker(step.name))
