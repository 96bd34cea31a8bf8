"""The steps that need EC2 alone, in their order, and how far a run has got with them."""

from notebake.aws import tagging, tags
from notebake.aws.model import Instance
from notebake.resources import stack_instances
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Done, Step, carry_out
from notebake.runs.run import Run
from notebake.waiting import wait_until
from tasks import (
    clean_host,
    import_key_pair,
    launch_acceptance,
    launch_instance,
    open_ssh,
    request_image,
    stop_builder,
    wait_for_image,
)


def seal(run: Run) -> Done:
    """Say of the builder that it is clean, though there is no host."""
    builder = stack_instances.find_builder(run)
    assert builder
    digest = step_digest(run.recipe, clean_host.NAME)
    tagging.add_tags(run.recipe.region, [builder.id], {tags.SEALED: digest})
    return Done(digest=digest)


CLOUD_STEPS: tuple[Step, ...] = (
    import_key_pair.STEP,
    open_ssh.STEP,
    launch_instance.STEP,
    Step(clean_host.NAME, clean_host.STEP.title, clean_host.find, seal),
    stop_builder.STEP,
    request_image.STEP,
    wait_for_image.STEP,
    launch_acceptance.STEP,
)
NAMES = [step.name for step in CLOUD_STEPS]


def step_named(name: str) -> Step:
    """Return one of the steps."""
    return CLOUD_STEPS[NAMES.index(name)]


def carry_out_before(run: Run, name: str) -> None:
    """Carry out every step that comes before one."""
    for step in CLOUD_STEPS[: NAMES.index(name)]:
        carry_out(step, run)
        wait_until_settled(run)


def carry_out_to(run: Run, name: str) -> None:
    """Carry out a step and all before it."""
    carry_out_before(run, name)
    carry_out(step_named(name), run)
    wait_until_settled(run)


def wait_until_settled(run: Run) -> None:
    """Wait until no machine of the run is on its way to another state."""
    moving = {"pending", "stopping", "shutting-down"}

    def is_settled() -> bool | None:
        found = [resource for role in ("builder", "acceptance") for resource in all_of(run, role)]
        return True if not {resource.state for resource in found} & moving else None

    wait_until(is_settled, what="the machines", timeout_seconds=36000, interval_seconds=0.02)


def all_of(run: Run, role: str) -> list[Instance]:
    """Return the run's machines of a role."""
    return stack_instances.find_instances(run, role)


def undo_all(run: Run) -> None:
    """Undo every step, the newest first."""
    for step in reversed(CLOUD_STEPS):
        if step.undo:
            step.undo(run)
