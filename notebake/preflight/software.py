"""The software: lines with a changed meaning, unknown packages, and pins without a wheel.

Only a name that no index has prevents a build: packages may be built from source.
"""

from collections.abc import Iterable, Iterator, Mapping

from notebake.aws import images
from notebake.commands.uv import DEFAULT_INDEX
from notebake.preflight.finding import Finding, good, not_checked
from notebake.preflight.index import Answer, host_of, own_index, query_indexes
from notebake.preflight.package_names import judge_names, list_names
from notebake.preflight.wanted_packages import WantedPackages, read_wanted_packages
from notebake.preflight.wheels import Pin, Python, find_pins, find_wheel_problem, python_of
from notebake.recipe.requirements import find_requirement_notes
from notebake.recipe.software_advice import WAYS_OUT
from notebake.runs.run import Run

STOCK_IMAGES = "/aws/service/"
"""Public parameters, whose images have no settings of pip or uv."""


def check_software(run: Run) -> Iterable[Finding]:
    """Report lines with a changed meaning, and check the packages that an index is asked for."""
    software = run.recipe.software
    file = "environment.yml" if software.manager == "conda" else "requirements.txt"
    for note in find_requirement_notes(software.requirements, software.manager):
        yield good(f"{file}, {note}.")
    wanted = read_wanted_packages(software)
    if wanted.packages:
        yield from check_packages(run, wanted)


def check_packages(run: Run, wanted: WantedPackages) -> Iterator[Finding]:
    """Check that an index has each name, and that each pin has a wheel for the image's Python."""
    software = run.recipe.software
    base = images.resolve_base_image(run.recipe.start_image, run.recipe.region)
    python, pins = None, find_pins(software) if software.manager == "pip" else []
    if software.manager == "pip":
        python = python_of(base.get("Name", ""), base.get("Architecture", ""))
    if pins and python is None:
        yield not_checked(
            f"Whether {len(pins)} pinned packages have a wheel: the name of {base['ImageId']} does"
            " not show its Python version."
        )
    packages = [package for package in wanted.packages if package.is_for(python)]
    if not packages:
        return
    index = wanted.index or own_index()
    if not index:
        yield not_checked(
            f"Whether {len(packages)} packages exist: pip on this computer has no index."
        )
        return
    pins = [pin for pin in pins if python and pin.is_for(python)]
    pinned = {pin.name for pin in pins}
    indexes = (*wanted.more_indexes, index)
    answers = query_indexes(indexes, {package.name for package in packages}, pinned)
    if python:
        yield from judge_pins(pins, python, answers)
    # The settings of this computer's pip are not the machine's, and an image of somebody's own may
    # have an index of its own.
    is_machines_index = bool(wanted.index) or index.rstrip("/") == DEFAULT_INDEX
    given = run.recipe.base_image
    is_stock = not given.image_id and given.parameter.startswith(STOCK_IMAGES)
    is_plain = bool(is_stock or base.get("Public"))
    yield from judge_names(
        packages,
        answers,
        pinned,
        hosts=" or ".join(dict.fromkeys(map(host_of, indexes))),
        is_certain=wanted.only_indexes and is_machines_index and is_plain,
    )


def judge_pins(pins: list[Pin], python: Python, answers: Mapping[str, Answer]) -> Iterator[Finding]:
    """Yield a finding for each problem, and one for all pins without one."""
    in_order = 0
    silent: dict[str, list[str]] = {}
    for pin in pins:
        answer = answers.get(pin.name, Answer())
        if answer.silence:
            silent.setdefault(answer.silence, []).append(pin.name)
        elif not answer.has_it:
            continue
        elif trouble := find_wheel_problem(pin, python, answer.files):
            yield not_checked(
                f"Whether {pin} can be installed on Python {python}: {trouble}.",
                f"Loosen the pin, {WAYS_OUT}.",
            )
        else:
            in_order += 1
    for reason, names in silent.items():
        yield not_checked(f"Whether there are wheels of {list_names(names)}: {reason}.")
    if in_order:
        yield good(f"{in_order} pinned packages are available for Python {python}.")
