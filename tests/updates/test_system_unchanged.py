"""What differs in an archive or in a lock file, and is no update."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.updates.apt_world import SUITES, AptWorld

Published = dict[str, Any]


def shuffle_locks(world: AptWorld, draw: random.Random, _: Published) -> None:
    draw.shuffle(world.packages["packages"])
    draw.shuffle(world.sources["keyrings"])
    lines = world.sources["sources"]
    for path in lines:
        world.sources["sources"] = {path: [line for line in lines[path] if line]}


def shuffle_suites(world: AptWorld, draw: random.Random, _: Published) -> None:
    for suite in world.archive.suites.values():
        draw.shuffle(suite.packages)


def order_mirrors(world: AptWorld, draw: random.Random, _: Published) -> None:
    lines = [world.server.url, f"{world.server.url}/nowhere"]
    world.sources["mirrors"] = {"/etc/mirrors": draw.sample(lines, 2)}
    world.change_sources(f"URIs: {world.server.url}", "URIs: mirror+file:///etc/mirrors")


def pack_otherwise(_: AptWorld, draw: random.Random, published: Published) -> None:
    published["packed"] = draw.sample(["", ".gz", ".xz"], draw.randint(1, 3))
    published["by_hash"] = draw.random() < 0.5


def sign_again(_: AptWorld, draw: random.Random, published: Published) -> None:
    published["made_at"] = datetime.now(UTC) - timedelta(hours=draw.randint(0, 100))
    published["valid"] = draw.choice([None, timedelta(days=30)])


def add_others(world: AptWorld, draw: random.Random, _: Published) -> None:
    for number in range(draw.randint(1, 30)):
        suite = draw.choice(list(SUITES))
        world.archive.add_package(f"not-installed-{number}", "9.0-1", suite)


def add_older(world: AptWorld, draw: random.Random, _: Published) -> None:
    world.archive.add_package("git", "1:2.39.5-0", draw.choice(list(SUITES)))
    world.archive.add_package("bash", "5.2.15-2", draw.choice(list(SUITES)))


def add_the_same(world: AptWorld, draw: random.Random, _: Published) -> None:
    world.archive.add_package("git", "1:2.39.5-0+deb12u1", draw.choice(list(SUITES)))


def add_not_automatic(world: AptWorld, draw: random.Random, _: Published) -> None:
    world.archive.add_package("git", "1:3-1", "experimental")
    world.archive.add_package("bash", f"{draw.randint(6, 9)}-1~bpo1", "stable-backports")


def hold_back(world: AptWorld, draw: random.Random, _: Published) -> None:
    world.archive.add_package("curl", "8.0-1", draw.choice(["stable", "tide-security"]))
    (curl,) = [each for each in world.packages["packages"] if each["name"] == "curl"]
    curl["hold"] = True


def pin_back(world: AptWorld, draw: random.Random, _: Published) -> None:
    world.archive.add_package("zlib1g", "2:2-1", draw.choice(["stable", "tide-security"]))
    kind = draw.choice(["version 1:1.2.13*", "release c=main"])
    priority = "501" if kind.startswith("version") else "-1"
    world.sources["preferences"] = {
        "/etc/apt/preferences": ["Package: zlib1g", f"Pin: {kind}", f"Pin-Priority: {priority}"]
    }


def leave_out(world: AptWorld, draw: random.Random, _: Published) -> None:
    world.archive.remove(draw.choice(["openssl", "libwave"]), "stable")


def have_local(world: AptWorld, _: random.Random, __: Published) -> None:
    (fonts,) = [each for each in world.packages["packages"] if each["name"] == "fonts"]
    world.packages["packages"].append({**fonts, "name": "ours", "version": "1", "indexes": []})


def describe_otherwise(world: AptWorld, draw: random.Random, _: Published) -> None:
    for suite in world.archive.suites.values():
        suite.fields |= {"Description": f"tide {draw.random()}", "Changelogs": "https://x.test"}


CHANGES: tuple[Callable[[AptWorld, random.Random, Published], None], ...] = (
    *(shuffle_locks, shuffle_suites, order_mirrors, pack_otherwise, sign_again, add_others),
    *(add_older, add_the_same, add_not_automatic, hold_back, pin_back, leave_out, have_local),
    describe_otherwise,
)


@pytest.mark.parametrize("seed", range(200))
def test_what_is_no_update_is_none(seed: int, world: AptWorld) -> None:
    draw = random.Random(seed)  # noqa: S311  # no secret
    published: Published = {}
    for change in draw.sample(CHANGES, draw.randint(1, 6)):
        change(world, draw, published)
    world.archive.publish(**published)

    security, system = world.check()

    assert (security.state, security.changes, security.reason) == ("unchanged", (), "")
    assert (system.state, system.changes, system.reason) == ("unchanged", (), "")
