"""The types of machine: offered where the subnets are, fit for the image and the software."""

from collections.abc import Iterable
from typing import Any

from notebake.aws import facts, images, networks
from notebake.preflight.finding import Finding, good, wrong
from notebake.recipe import Recipe
from notebake.records import Run

MINIMUM_MEMORY_MIB = {"pip": 1024, "conda": 3072}
"""The installation of TLJH's stack was killed with 1 GB (the-littlest-jupyterhub #257, #670)."""


def wanted_types(recipe: Recipe) -> tuple[str, ...]:
    """Return every type that the run may launch, each once."""
    return tuple(dict.fromkeys((*recipe.instance_types, *recipe.acceptance.instance_types)))


def check_instance_types(run: Run) -> Iterable[Finding]:
    """Every type is offered where the subnets are, fits the image, and has the memory."""
    recipe = run.recipe
    subnets = networks.find_subnets(recipe.network, recipe.region)
    zones = {str(one["AvailabilityZone"]) for one in subnets}
    base = images.resolve_base_image(recipe.base_image, recipe.region)
    architecture = str(base.get("Architecture", "x86_64"))
    needed_mib = MINIMUM_MEMORY_MIB[recipe.software.manager]
    for name in wanted_types(recipe):
        offered = facts.offered_zones(name, recipe.region) & zones
        if not offered:
            listed = ", ".join(sorted(zones))
            yield wrong(
                f"The instance type {name} is not offered in {listed}.",
                "Name another type, or subnets in other zones.",
            )
            continue
        faults = list(type_faults(name, recipe.region, architecture, needed_mib))
        yield from faults
        if not faults:
            yield good(f"{name} is offered in {', '.join(sorted(offered))}, and fits.")


def type_faults(name: str, region: str, architecture: str, needed_mib: int) -> Iterable[Finding]:
    """Yield why a type cannot run this image or this software."""
    described: dict[str, Any] = facts.describe_type(name, region)
    supported = described["ProcessorInfo"]["SupportedArchitectures"]
    if architecture not in supported:
        yield wrong(f"{name} is for {', '.join(supported)}, the image is {architecture}.")
    if described.get("Hypervisor") == "xen":
        # https://docs.aws.amazon.com/ebs/latest/userguide/nvme-ebs-volumes.html
        yield wrong(
            f"{name} runs on Xen, where no disk can be told from another by its volume's id.",
            "Name a type of the Nitro System, such as m5.large or t3.large.",
        )
    memory = int(described["MemoryInfo"]["SizeInMiB"])
    if memory < needed_mib:
        yield wrong(f"{name} has {memory} MiB of memory; the software needs {needed_mib}.")
