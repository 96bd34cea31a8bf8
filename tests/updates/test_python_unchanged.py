"""What differs in an index or in a lock file, and is no change of a Python package."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.updates.python_world import RELEASES, PythonWorld

Locks = dict[str, bytes]
LOCK = "locks/requirements.txt"
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.title,
    lambda name: name.replace("-", "_"),
    lambda name: name.replace("-", "."),
)


def change_lines(locks: Locks, change: Callable[[list[str]], list[str]]) -> None:
    for name in (LOCK, "locks/papermill.txt"):
        lines = change(locks[name].decode().splitlines())
        locks[name] = ("\n".join(lines) + "\n").encode()


def shuffle(_: PythonWorld, locks: Locks, draw: random.Random) -> None:
    change_lines(locks, lambda lines: draw.sample(lines, len(lines)))


def respell(_: PythonWorld, locks: Locks, draw: random.Random) -> None:
    spell = SPELLINGS[draw.randrange(len(SPELLINGS))]

    def change(lines: list[str]) -> list[str]:
        parts = [line.partition("==") for line in lines]
        return [spell(name) + sign + version for name, sign, version in parts]

    change_lines(locks, change)


def add_hashes(_: PythonWorld, locks: Locks, __: random.Random) -> None:
    digest = "0" * 64
    change_lines(locks, lambda lines: [
        f"{line} \\\n    --hash=sha256:{digest}" if "==" in line else line for line in lines
    ])  # fmt: skip


def add_comments(_: PythonWorld, locks: Locks, __: random.Random) -> None:
    change_lines(locks, lambda lines: ["# by uv", "", *lines, "  # the end"])


def add_options(_: PythonWorld, locks: Locks, __: random.Random) -> None:
    change_lines(locks, lambda lines: ["--index-url https://mirror.test/simple", *lines])


def write_zeros(_: PythonWorld, locks: Locks, __: random.Random) -> None:
    locks[LOCK] = locks[LOCK].replace(b"==6.1\n", b"==6.1.0\n").replace(b"==0.3\n", b"==0.3.0.0\n")


def use_mirror(world: PythonWorld, _: Locks, __: random.Random) -> None:
    shutil.copytree(world.server.folder, world.folder / "mirror", dirs_exist_ok=True)
    world.server.folder = world.folder / "mirror"


def have_html_only(world: PythonWorld, _: Locks, __: random.Random) -> None:
    for page in Path(world.server.folder / "simple").rglob("index.json"):
        page.unlink()


def add_older(world: PythonWorld, _: Locks, draw: random.Random) -> None:
    world.index.add_release(draw.choice(list(RELEASES)), "0.0.1")


def add_preliminary(world: PythonWorld, _: Locks, draw: random.Random) -> None:
    world.index.add_release(draw.choice(list(RELEASES)), draw.choice(["9998.0rc1", "9999.dev1"]))


def add_withdrawn(world: PythonWorld, _: Locks, draw: random.Random) -> None:
    world.index.add_release(draw.choice(list(RELEASES)), "9990.1", yanked="broken")


def add_for_others(world: PythonWorld, _: Locks, draw: random.Random) -> None:
    name = draw.choice(list(RELEASES))
    world.index.add_release(name, "9991.1", tag="cp311-cp311-macosx_11_0_arm64")
    world.index.add_release(name, "9991.2", requires_python=">=3.99")
    world.index.add_release(name, "9991.3", tag="cp311-cp311-manylinux_2_39_aarch64")


def add_unrelated(world: PythonWorld, _: Locks, draw: random.Random) -> None:
    world.index.add_release(f"unrelated-{draw.randint(1, 99)}", "1.0")


def add_forbidden(world: PythonWorld, _: Locks, __: random.Random) -> None:
    world.index.add_release("numpy", "3.0")


def add_source(world: PythonWorld, _: Locks, draw: random.Random) -> None:
    name = draw.choice(list(RELEASES))
    world.index.add_release(name, RELEASES[name][0], RELEASES[name][1], as_source=True)


CHANGES = (
    *(write_zeros, shuffle, respell, add_comments, add_options, add_hashes, use_mirror),
    *(add_older, add_preliminary, add_withdrawn, add_for_others, add_unrelated),
    *(add_forbidden, add_source, have_html_only),
)


@pytest.mark.parametrize("seed", range(200))
def test_what_changes_no_package_is_no_change(
    seed: int, python_world: PythonWorld, baked: Locks
) -> None:
    draw = random.Random(seed)  # noqa: S311  # no secret
    locks = python_world.locks(baked)
    chosen = draw.sample(range(len(CHANGES)), draw.randint(1, 5))
    # In this order: a respelled line has no hash yet, and pages are removed when all are written.
    for number in sorted(chosen):
        CHANGES[number](python_world, locks, draw)

    found = python_world.ask(locks)

    for finding in (found.direct, found.transitive):
        names = [CHANGES[number].__name__ for number in sorted(chosen)]
        shown = (names, finding.state, finding.changes, finding.reason)
        assert shown == (names, "unchanged", (), "")
