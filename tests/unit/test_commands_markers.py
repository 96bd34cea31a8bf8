from pathlib import Path

import pytest

from notebake.commands import markers
from tests.unit.shell_world import NASTY, ShellWorld, shell_world


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    return shell_world(tmp_path)


@pytest.fixture
def directory(tmp_path: Path) -> str:
    return str(tmp_path / f"steps {NASTY}".replace("/", "_"))


def test_a_marker_with_another_digest_does_not_count(world: ShellWorld, directory: str) -> None:
    assert world.run(markers.read_marker("software", "aaaa", directory)).returncode != 0
    assert (
        world.run(markers.write_marker("software", "aaaa", "12 packages", directory)).returncode
        == 0
    )
    assert world.run(markers.read_marker("software", "aaaa", directory)).returncode == 0
    assert world.run(markers.read_marker("software", "aaa", directory)).returncode != 0
    assert world.run(markers.read_marker("software", "aaaab", directory)).returncode != 0
    assert world.run(markers.read_marker("softwar", "aaaa", directory)).returncode != 0


def test_the_detail_of_a_marker_round_trips(world: ShellWorld, directory: str) -> None:
    world.run(markers.write_marker("software", "aaaa", f"{NASTY}\nsecond", directory))
    answer = world.run(markers.read_marker("software", "aaaa", directory))
    assert (answer.returncode, answer.stdout) == (0, f"aaaa\n{NASTY} second\n")
    assert markers.parse_marker(answer.stdout, "aaaa") == f"{NASTY} second"


@pytest.mark.parametrize(
    "printed",
    ["", "\n", "Welcome to the corporate image\n", "aaaa", "aaaa\n", "aaaab\n\n",
     "Welcome\naaaa\n\n", "aaaa\ndetail", "aaaa\ndetail\nGoodbye\n", " aaaa\n\n"],
)  # fmt: skip
def test_other_output_is_not_parsed_as_a_marker(printed: str) -> None:
    assert markers.parse_marker(printed, "aaaa") is None


def test_a_product_that_proves_itself_needs_no_marker(world: ShellWorld, directory: str) -> None:
    for proof, is_done in (("echo noise; true", True), ("echo noise; false", False)):
        command = markers.read_marker("software", "aaaa", directory, installed=proof)
        found = markers.parse_marker(world.run(command).stdout, "aaaa")
        assert found == ("" if is_done else None)
    world.run(markers.write_marker("software", "aaaa", "12 packages", directory))
    command = markers.read_marker("software", "aaaa", directory, installed="false")
    assert markers.parse_marker(world.run(command).stdout, "aaaa") == "12 packages"


def test_a_marker_counts_only_with_its_product(world: ShellWorld, directory: str) -> None:
    def ask(product: str) -> tuple[bool, str]:
        command = markers.read_marker("software", "aaaa", directory, product=product)
        answer = world.run(command)
        return answer.returncode == 0, answer.stdout

    assert not ask("true")[0]
    world.run(markers.write_marker("software", "aaaa", "12 packages", directory))

    assert ask("echo noise; read -r digest < /dev/null; true") == (True, "aaaa\n12 packages\n")
    assert not ask("false")[0]
    assert not ask("exit 3")[0]
    assert not ask("true && { false; }")[0]


def test_an_interrupted_marker_does_not_count(world: ShellWorld, directory: str) -> None:
    world.fake("mv", "kill -KILL $PPID")
    assert world.run(markers.write_marker("software", "aaaa", "", directory)).returncode != 0
    assert any(call.startswith("mv ") for call in world.calls), "the fault did not fire"
    assert world.run(markers.read_marker("software", "aaaa", directory)).returncode != 0


def test_an_unmarked_step_is_not_done(world: ShellWorld, directory: str) -> None:
    world.run(markers.write_marker("software", "aaaa", "", directory))
    assert world.run(markers.remove_marker("software", directory)).returncode == 0
    assert world.run(markers.read_marker("software", "aaaa", directory)).returncode != 0


@pytest.mark.parametrize("step", ["", "../steps", "a/b", ".hidden", "a b", NASTY])
def test_a_step_name_with_special_characters_is_refused(step: str) -> None:
    with pytest.raises(ValueError, match="cannot name a marker"):
        markers.write_marker(step, "aaaa")
