"""The sizes of two images, as far as their runs have kept them."""

from collections.abc import Callable

from notebake.errors import NotebakeError
from notebake.images.difference.distribution import read_packages
from notebake.images.difference.image_difference import SizeChange
from notebake.images.updates.kept_run import KeptRun
from notebake.images.updates.source_state import FILE, parse_states

BYTES_PER_GIB = 1024**3


def compare_sizes(before: KeptRun, after: KeptRun) -> tuple[SizeChange, ...]:
    """Return the sizes of both; what is not kept of either is left out.

    Raises:
        RunStoreError: the store failed.
    """
    measured: dict[str, Callable[[KeptRun], int | None]] = {
        "disks": _disks,
        "packages of the distribution": _packages,
        "datasets, at their sources": _datasets,
    }
    found = (
        SizeChange(name=name, old=measure(before), new=measure(after))
        for name, measure in measured.items()
    )
    return tuple(each for each in found if (each.old, each.new) != (None, None))


def _disks(run: KeptRun) -> int | None:
    """Return the size of the disks of each machine from the image."""
    recipe = run.summary.recipe
    disks = [recipe.get("root_volume") or {}, *(recipe.get("volumes") or ())]
    sizes = [disk.get("size_gib") for disk in disks]
    return None if None in sizes else sum(map(int, sizes)) * BYTES_PER_GIB


def _packages(run: KeptRun) -> int | None:
    try:
        sizes = [package.bytes_installed for package in read_packages(run).values()]
    except NotebakeError:
        return None
    return None if None in sizes else sum(size for size in sizes if size)


def _datasets(run: KeptRun) -> int | None:
    content, _ = run.read_file(FILE)
    sizes = [state.size for state in parse_states(content).values()] if content else []
    return sum(size for size in sizes if size) if sizes and None not in sizes else None
