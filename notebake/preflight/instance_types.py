"""The instance types: offered in the subnets' zones, and suitable for image and software."""

from collections.abc import Iterable
from typing import Any

from notebake.aws import account, images, networks
from notebake.preflight.finding import Finding, good, wrong
from notebake.recipe import Recipe
from notebake.runs.run import Run
from notebake.timeouts import BOOT_SECONDS

MINIMUM_MEMORY_MIB = {"pip": 1024, "conda": 2048}
"""rattler needs 550 MiB to solve with the whole index of conda-forge (0.28, measured), in addition
to the machine's own use."""
BOOT_MODES = {"uefi", "legacy-bios"}
"""Modes that an image requires; `uefi-preferred` boots in both."""
BARE_METAL_MINUTES = 20
"""From running to reachable (EC2 user guide, "Amazon EC2 bare metal instances")."""


def wanted_types(recipe: Recipe) -> tuple[str, ...]:
    """Return every type that the run may launch, each once."""
    return tuple(dict.fromkeys((*recipe.instance_types, *recipe.acceptance.instance_types)))


def check_instance_types(run: Run) -> Iterable[Finding]:
    """Check that every type is offered in the zones, fits the image, and has enough memory."""
    recipe = run.recipe
    subnets = networks.find_subnets(recipe.network, recipe.region)
    zones = {str(subnet["AvailabilityZone"]) for subnet in subnets}
    base = images.resolve_base_image(recipe.start_image, recipe.region)
    needed_mib = MINIMUM_MEMORY_MIB[recipe.software.manager]
    for name in wanted_types(recipe):
        offered = account.offered_zones(name, recipe.region) & zones
        if not offered:
            listed = ", ".join(sorted(zones))
            yield wrong(
                f"The instance type {name} is not offered in {listed}.",
                "Name another type, or subnets in other zones.",
            )
            continue
        faults = list(type_faults(name, recipe.region, base, needed_mib))
        yield from faults
        if not faults:
            yield good(f"{name} is offered in {', '.join(sorted(offered))}, and fits.")


def type_faults(name: str, region: str, base: dict[str, Any], needed_mib: int) -> Iterable[Finding]:
    """Yield the reasons why a type cannot run this image or this software."""
    described: dict[str, Any] = account.describe_type(name, region)
    architecture = str(base.get("Architecture", "x86_64"))
    supported = described["ProcessorInfo"]["SupportedArchitectures"]
    if architecture not in supported:
        yield wrong(f"{name} is for {', '.join(supported)}, the image is {architecture}.")
    boots, wanted = described.get("SupportedBootModes", []), base.get("BootMode")
    if boots and wanted in BOOT_MODES and wanted not in boots:
        yield wrong(f"{name} boots by {', '.join(boots)}, the image by {wanted}.")
    if described.get("Hypervisor") == "xen":
        # https://docs.aws.amazon.com/ebs/latest/userguide/nvme-ebs-volumes.html
        yield wrong(
            f"{name} runs on Xen, where disks cannot be identified by their volume ids.",
            "Name a type of the Nitro System, such as m5.large or t3.large.",
        )
    if described.get("BareMetal"):
        yield wrong(
            f"{name} is bare metal: it can take {BARE_METAL_MINUTES} minutes from running until it"
            f" is reachable, and the wait ends after {BOOT_SECONDS // 60}.",
            "Name a type without .metal; the image can still be launched on bare metal.",
        )
    memory = int(described["MemoryInfo"]["SizeInMiB"])
    if memory < needed_mib:
        yield wrong(f"{name} has {memory} MiB of memory; the software needs {needed_mib}.")
