"""Which machines an image is proven by: so many, booted from it, each with a number of its own."""

from notebake.aws import tags
from notebake.aws.model import Image, Instance
from notebake.errors import ResourceLostError, resume
from notebake.resources import stack_instances
from notebake.runs.run import Run

ROLE = "acceptance"
NUMBERS = (1, 2)
"""Two machines, as one alone cannot show that identities differ."""


def find_machines(run: Run, image: Image) -> list[Instance]:
    """Return the machines from this image that exist and are not marked as lost."""
    found = stack_instances.find_instances(run, ROLE)
    return [machine for machine in found if is_wanted(machine, image)]


def is_wanted(machine: Instance, image: Image) -> bool:
    """Return whether the machine is from this image and not marked as lost."""
    return machine.image_id == image.id and tags.LOST not in machine.tags


def missing_numbers(machines: list[Instance]) -> list[int]:
    """Return the numbers that none of the machines has."""
    present = {machine.tags.get(tags.NUMBER) for machine in machines}
    return [number for number in NUMBERS if str(number) not in present]


def check_complete(run: Run, image: Image, machines: list[Instance]) -> None:
    """Raise ResourceLostError if a machine is missing: the next launch replaces it."""
    missing = missing_numbers(machines)
    if not missing:
        return
    ids = [machine.id for machine in machines]
    left = f"{len(ids)} {'is' if len(ids) == 1 else 'are'} left: {', '.join(ids)}" if ids else ""
    raise ResourceLostError(
        f"Machines are missing: of {len(NUMBERS)} machines from {image.id} {left or 'none is left'}"
        f" (missing: {' and '.join(f'number {number}' for number in missing)}).",
    ).with_next(resume(run.id, purpose="To launch another machine"))
