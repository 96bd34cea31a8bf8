"""The lists of packages that a run has kept, handed to what compares them with their sources."""

from notebake.errors import RunStoreError
from notebake.images.updates.current import CurrentImage
from notebake.images.updates.finding import CauseFinding
from notebake.images.updates.python_packages import check_python_packages
from notebake.images.updates.resolution.cooldown import EVER
from notebake.images.updates.system_packages import check_system_packages
from notebake.recipe import Recipe
from notebake.timestamps import parse_timestamp

APT_PACKAGES, APT_SOURCES = "locks/apt-packages.json", "locks/apt-sources.json"
OF_APT = "locks/apt"


def check_distribution(current: CurrentImage, recipe: Recipe) -> tuple[CauseFinding, ...]:
    """Return the findings for `security` and `system`.

    Raises:
        NotebakeError: a kept list was changed, or the archives did not answer.
    """
    del recipe
    packages, sources = (read_kept(current, name) for name in (APT_PACKAGES, APT_SOURCES))
    return check_system_packages(packages, sources)


def check_environment(current: CurrentImage, recipe: Recipe) -> tuple[CauseFinding, ...]:
    """Return the findings for `direct` and `transitive`.

    Raises:
        NotebakeError: a kept list was changed, or the index did not answer.
    """
    until = parse_timestamp(recipe.packages_until or "")
    locks = read_python_locks(current)
    exceptions = dict.fromkeys(recipe.packages_at_once, EVER)
    return check_python_packages(recipe.software, locks, exclude_newer=until, exceptions=exceptions)


def read_python_locks(current: CurrentImage) -> dict[str, bytes]:
    """Return the lists of Python and conda packages, by name.

    Raises:
        RunStoreError: one is not the one that was recorded.
    """
    names = [name for name in current.summary.locks if not name.startswith(OF_APT)]
    return {name: content for name in names if (content := read_kept(current, name))}


def read_kept(current: CurrentImage, name: str) -> bytes | None:
    """Return a list; None if the run has kept none.

    Raises:
        RunStoreError: it was kept, and is not the one that was recorded.
    """
    content, wrong = current.read_file(name)
    if content is None and name in current.summary.locks:
        raise RunStoreError(f"{wrong}.")
    return content
