"""Twenty ways in which a Python package changes, each named as its cause."""

from collections.abc import Callable, Mapping

import pytest
from packaging.utils import canonicalize_name

from sandbox.archives.package_index import PackageIndex
from tests.updates.python_world import RELEASES, PythonWorld, shown

Expected = set[tuple[str, str | None, str | None]]
Variant = tuple[Callable[[PackageIndex], None], Expected]


def add(name: str, version: str, *requires: str, **more: str) -> Callable[[PackageIndex], None]:
    """Return what adds a release with the requirements of the old one, and these."""

    def change(index: PackageIndex) -> None:
        own = next(each for known, (_, each) in RELEASES.items() if same(known, name))
        index.add_release(name, version, (*own, *requires), **more)  # type: ignore[arg-type]

    return change


def same(one: str, other: str) -> bool:
    return canonicalize_name(one) == canonicalize_name(other)


def both(*changes: Callable[[PackageIndex], None]) -> Callable[[PackageIndex], None]:
    """Return what makes several changes."""

    def change(index: PackageIndex) -> None:
        for each in changes:
            each(index)

    return change


def withdraw(name: str, version: str, older: str) -> Callable[[PackageIndex], None]:
    """Return what yanks a release that has an older one."""

    def change(index: PackageIndex) -> None:
        add(name, older)(index)
        index.remove(name, version)
        add(name, version, yanked="broken")(index)

    return change


def remove(name: str, version: str, older: str) -> Callable[[PackageIndex], None]:
    """Return what removes a release that has an older one."""

    def change(index: PackageIndex) -> None:
        add(name, older)(index)
        index.remove(name, version)

    return change


def requiring(name: str, version: str, requires: list[str]) -> Callable[[PackageIndex], None]:
    """Return what adds a release with just these requirements."""
    return lambda index: index.add_release(name, version, requires)


def brand_new(index: PackageIndex) -> None:
    index.add_release("brand-new", "0.0.1")


DIRECT: dict[str, Variant] = {
    "a patch": (add("numpy", "2.1.1"), {("numpy", "2.1.0", "2.1.1")}),
    "a minor version": (add("numpy", "2.2"), {("numpy", "2.1.0", "2.2")}),
    "the tenth": (add("numpy", "2.10.0"), {("numpy", "2.1.0", "2.10.0")}),
    "a post-release": (add("numpy", "2.1.0.post1"), {("numpy", "2.1.0", "2.1.0.post1")}),
    "an epoch": (add("xarray", "1!0.1"), {("xarray", "2025.1.0", "1!0.1")}),
    "a version by date": (add("xarray", "2026.11.1"), {("xarray", "2025.1.0", "2026.11.1")}),
    "a local version": (add("numpy", "2.1.0+local.1"), {("numpy", "2.1.0", "2.1.0+local.1")}),
    "of the requirements file": (add("Wave_Tools", "1.5"), {("wave-tools", "1.4", "1.5")}),
    "with its name written otherwise": (add("WAVE_tools", "2"), {("wave-tools", "1.4", "2")}),
    "a withdrawn version": (withdraw("numpy", "2.1.0", "2.0"), {("numpy", "2.1.0", "2.0")}),
    "a removed version": (remove("numpy", "2.1.0", "1.9"), {("numpy", "2.1.0", "1.9")}),
    "JupyterLab": (add("jupyterlab", "4.1.0"), {("jupyterlab", "4.0.0", "4.1.0")}),
    "ipykernel": (add("ipykernel", "7.0.0"), {("ipykernel", "6.0.0", "7.0.0")}),
    "pip": (add("pip", "26.1"), {("pip", "24.0", "26.1")}),
    "papermill": (add("papermill", "2.7.0"), {("papermill", "2.6.0", "2.7.0")}),
    "two at once": (
        both(add("numpy", "2.5"), add("pip", "25")),
        {("numpy", "2.1.0", "2.5"), ("pip", "24.0", "25")}),
    "beside a version for a newer Python": (
        both(add("numpy", "2.5"), add("numpy", "2.6", requires_python=">=3.99")),
        {("numpy", "2.1.0", "2.5")}),
    "beside a preliminary version": (
        both(add("numpy", "2.5"), add("numpy", "2.6rc1")), {("numpy", "2.1.0", "2.5")}),
    "beside a wheel for another system": (
        both(add("numpy", "2.5"), add("numpy", "2.6", tag="py3-none-win_amd64")),
        {("numpy", "2.1.0", "2.5")}),
    "that was held below another": (
        requiring("wave-tools", "1.6", ["tide"]), {("wave-tools", "1.4", "1.6")}),
}  # fmt: skip
TRANSITIVE: dict[str, Variant] = {
    "a patch": (add("tornado", "6.1.1"), {("tornado", "6.1", "6.1.1")}),
    "a major version": (add("tornado", "7"), {("tornado", "6.1", "7")}),
    "the tenth": (add("tornado", "6.10"), {("tornado", "6.1", "6.10")}),
    "a post-release": (add("tide", "0.9.1.post2"), {("tide", "0.9.1", "0.9.1.post2")}),
    "an epoch": (add("tide", "3!0"), {("tide", "0.9.1", "3!0")}),
    "a version by date": (add("packaging", "2026.1"), {("packaging", "24.1", "2026.1")}),
    "with its name written otherwise": (add("Blas.Lib", "0.4"), {("blas-lib", "0.3", "0.4")}),
    "a withdrawn version": (withdraw("tide", "0.9.1", "0.1"), {("tide", "0.9.1", "0.1")}),
    "a removed version": (remove("tide", "0.9.1", "0.2"), {("tide", "0.9.1", "0.2")}),
    "of a package of another": (add("platformdirs", "4.3"), {("platformdirs", "4.0", "4.3")}),
    "in both environments": (add("traitlets", "5.14"), {("traitlets", "5.1", "5.14")}),
    "in papermill's environment": (add("click", "8.2"), {("click", "8.1", "8.2")}),
    "with a package that is new": (
        both(brand_new, add("tide", "1.0", "brand-new")),
        {("tide", "0.9.1", "1.0"), ("brand-new", None, "0.0.1")}),
    "with one that falls away": (
        requiring("jupyter-core", "5.1", ["traitlets"]),
        {("jupyter-core", "5.0", "5.1"), ("platformdirs", "4.0", None)}),
    "two at once": (
        both(add("tide", "1.1"), add("click", "9")),
        {("tide", "0.9.1", "1.1"), ("click", "8.1", "9")}),
    "beside a version of another that forbids it": (
        both(add("tide", "0.9.2"), add("tide", "1"),
             requiring("blas-lib", "0.4", ["tide<1"])),
        {("tide", "0.9.1", "1")}),
    "beside a version for a newer Python": (
        both(add("tide", "1"), add("tide", "2", requires_python=">=3.99")),
        {("tide", "0.9.1", "1")}),
    "beside a preliminary version": (
        both(add("tide", "1"), add("tide", "2.0b1")), {("tide", "0.9.1", "1")}),
    "beside a wheel for another system": (
        both(add("tide", "1"), add("tide", "2", tag="py3-none-win_amd64")),
        {("tide", "0.9.1", "1")}),
    "with a marker that fits": (
        both(brand_new, add("tide", "1", "brand-new; sys_platform == 'linux'",
                            "never-there; sys_platform == 'win32'")),
        {("tide", "0.9.1", "1"), ("brand-new", None, "0.0.1")}),
}  # fmt: skip


def ask(world: PythonWorld, baked: Mapping[str, bytes], variant: Variant) -> list[Expected]:
    """Return the changes of both causes after a change of the index."""
    change, _ = variant
    change(world.index)
    found = world.ask(world.locks(baked))
    assert (found.direct.reason, found.transitive.reason) == ("", "")
    return list(shown(found))


@pytest.mark.parametrize("name", DIRECT)
def test_what_the_recipe_or_we_ask_for_is_direct(
    name: str, python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    assert ask(python_world, baked, DIRECT[name]) == [DIRECT[name][1], set()]


@pytest.mark.parametrize("name", TRANSITIVE)
def test_what_others_need_is_transitive(
    name: str, python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    assert ask(python_world, baked, TRANSITIVE[name]) == [set(), TRANSITIVE[name][1]]


def test_what_differs_for_papermill_says_so(
    python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    python_world.index.add_release("traitlets", "5.14")

    found = python_world.ask(python_world.locks(baked))

    assert [(each.name, each.detail) for each in found.transitive.changes] == [
        ("traitlets", ""),
        ("traitlets", "papermill's environment"),
    ]
    assert "was compared with papermill.txt (" in found.transitive.how
