"""What we say a bake of today would install is what uv then really installs."""

import random

import pytest

from notebake.images.updates.resolution.pins import changes_between, read_pins
from tests.updates.python_world import RELEASES, PythonWorld, shown

VERSIONS = ("0.1", "1!0.1", "2.1.0.post1", "2.2rc1", "6.2", "9", "2026.1", "2.1.1", "4.0.0.dev1")


def change_randomly(draw: random.Random, world: PythonWorld) -> None:
    """Add releases with other requirements, withdraw some, remove some."""
    names = list(RELEASES)
    for _ in range(draw.randint(1, 8)):
        name, version = draw.choice(names), draw.choice(VERSIONS)
        known = {file.version for file in world.index.projects[name.lower().replace("_", "-")]}
        if version in known:
            continue
        requires = [each for each in RELEASES[name][1] if draw.random() < 0.8]
        if draw.random() < 0.3:
            world.index.add_release(f"new-{version}", "1.0")
            requires.append(f"New_{version.replace('!', '.')}" if "!" not in version else "tide")
        kinds = ("", "", "", "yanked", "old python", "other machine", "new python")
        kind = draw.choice(kinds)
        world.index.add_release(
            name,
            version,
            requires,
            yanked="broken" if kind == "yanked" else None,
            requires_python={"old python": "<3.8", "new python": ">=3.8"}.get(kind, ""),
            tag="cp311-cp311-win_amd64" if kind == "other machine" else "py3-none-any",
        )


@pytest.mark.parametrize("seed", range(25))
def test_what_uv_installs_is_what_we_say(seed: int, python_world: PythonWorld) -> None:
    draw = random.Random(seed)  # noqa: S311  # no secret
    before = python_world.bake()
    change_randomly(draw, python_world)

    found = python_world.ask(before)

    after = python_world.bake()
    expected = {
        (each.name, each.old, each.new)
        for lock in ("locks/requirements.txt", "locks/papermill.txt")
        for each in changes_between(
            *(read_pins(locks[lock].decode(), lock) for locks in (before, after))
        )
    }
    direct, transitive = shown(found)
    assert direct | transitive == expected
    assert {name for name, _, _ in direct} <= {
        *("jupyterlab", "ipykernel", "pip", "numpy", "xarray", "wave-tools", "papermill")
    }
    assert {name for name, _, _ in transitive} & {
        "jupyterlab",
        "pip",
        "numpy",
        "wave-tools",
    } == set()
    assert (found.direct.reason, found.transitive.reason) == ("", "")
