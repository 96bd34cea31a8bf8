"""Asks for advice on an image, by the lists of packages that its run has kept."""

from collections.abc import Callable

from notebake.errors import NotebakeError
from notebake.humanize import first_line
from notebake.images.updates.advice.advice import Advice, Ecosystem, not_asked
from notebake.images.updates.advice.debian_advice import advise_on_distribution
from notebake.images.updates.advice.python_advice import advise_on_python
from notebake.images.updates.current import CurrentImage
from notebake.images.updates.installed_packages import APT_PACKAGES, read_kept, read_python_locks


def advise_python(current: CurrentImage) -> Advice:
    """Return what is known of the Python packages.

    Raises:
        RunStoreError: a kept list was changed.
    """
    return advise_on_python(read_python_locks(current))


def advise_distribution(current: CurrentImage) -> Advice:
    """Return what is known of the distribution's packages.

    Raises:
        RunStoreError: the kept list was changed.
    """
    return advise_on_distribution(read_kept(current, APT_PACKAGES))


ADVISERS: dict[Ecosystem, Callable[[CurrentImage], Advice]] = {
    "python": advise_python,
    "apt": advise_distribution,
}


def advice_from(ecosystem: Ecosystem, answer: Advice | NotebakeError) -> Advice:
    """Return the advice that was given; an error is why there is none."""
    if isinstance(answer, NotebakeError):
        return not_asked(ecosystem, first_line(answer.message))
    return answer
