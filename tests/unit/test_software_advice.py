"""Excerpts of uv's errors: the part that matters, and what to do about it."""

import pytest

from notebake.commands.uv import FILTER_UV_OUTPUT
from notebake.error_excerpt import error_excerpt
from notebake.errors import HostCommandError
from notebake.recipe import Software
from notebake.recipe.software_advice import advise
from tests.unit.shell_world import shell_world

BUILD = "\n".join(f"         compiling {number} with error: in it" for number in range(300))
NOT_BUILT = f"""\
Using Python 3.11.2 environment at: opt/python
Resolved 5 packages in 862ms
   Building numpy==1.14.3
error: Failed to build `numpy==1.14.3`
  cause: The build backend returned an error
  cause: Call to `setuptools.build_meta:__legacy__.build_wheel` failed (exit status: 1)

         [stdout]
{BUILD}

         [stderr]
         Traceback (most recent call last):
{BUILD}
         ModuleNotFoundError: No module named 'distutils.msvccompiler'

hint: `distutils` was removed from the standard library in Python 3.12.
"""
NO_SOLUTION = """\
Using Python 3.11.2 environment at: opt/python
error: No solution found when resolving dependencies
  cause: Because numpy==1.26.4 depends on Python>=3.12 and you require numpy==1.26.4, we can
         conclude that your requirements are unsatisfiable.
"""


def test_the_excerpt_keeps_the_end_of_quoted_output() -> None:
    lines = error_excerpt(NOT_BUILT).splitlines()

    assert lines[0] == "error: Failed to build `numpy==1.14.3`"
    assert lines[-1].startswith("hint: `distutils` was removed")
    assert "         ModuleNotFoundError: No module named 'distutils.msvccompiler'" in lines
    assert "         compiling 299 with error: in it" in lines
    assert "         compiling 200 with error: in it" not in lines
    assert len(lines) < 30


def test_an_error_of_an_older_uv_is_found_by_its_cross_mark() -> None:
    cross = "  \N{MULTIPLICATION SIGN} No solution found when resolving dependencies:"
    printed = "\n".join(("fetched", cross, *(f"  because {n}" for n in range(30))))

    assert error_excerpt(printed).splitlines()[0] == cross


def test_a_very_long_error_is_cut_in_the_middle() -> None:
    text = error_excerpt("\n".join(("error: all", *map(str, range(500))))).splitlines()

    assert text[0] == "error: all"
    assert text[-1] == "499"
    assert any("lines …" in line for line in text)
    assert len(text) < 100


def test_output_without_an_error_is_shown_by_its_last_lines() -> None:
    assert error_excerpt("\n".join(map(str, range(99)))) == "\n".join(map(str, range(79, 99)))
    assert error_excerpt("") == ""


def test_an_error_far_above_the_end_of_the_output_is_kept() -> None:
    error = HostCommandError("192.0.2.7", "install_software", 1, NOT_BUILT, "Loosen it.")

    assert "error: Failed to build `numpy==1.14.3`" in error.message
    assert str(error).endswith("Loosen it.")


ADVICE = {
    "a pin of the file": (
        Software(requirements="six\n# old\nNumPy==1.14.3 --hash=sha256:00\n"),
        "There is no wheel of numpy 1.14.3 for Python 3.11, and it could not be built from its"
        " source. Loosen the pin in line 3 of the requirements, or take manager: conda with"
        ' python: "3.8"',
    ),
    "a pin of the recipe": (Software(packages=("numpy==1.14.3",)), "Loosen the pin numpy==1.14.3,"),
    "what something needs": (Software(packages=("old",)), "Loosen the pin of what needs it,"),
    "with conda": (
        Software(manager="conda", requirements="dependencies: [a]\n", pip=("numpy==1.14.3",)),
        "Loosen the pin numpy==1.14.3, or install it with conda.",
    ),
}


@pytest.mark.parametrize(("software", "words"), ADVICE.values(), ids=ADVICE.keys())
def test_a_failed_build_is_reported_with_its_pin_and_remedies(
    software: Software, words: str
) -> None:
    assert words in advise(NOT_BUILT, software)


def test_conflicting_pins_are_reported_with_remedies() -> None:
    advice = advise(NO_SOLUTION, Software(packages=("numpy==1.26.4",)))

    assert advice.startswith("Loosen one of the named pins, or take manager: conda")
    assert "another Python than Python 3.11" in advice
    assert advise("error: something else\n", Software()) == ""


def test_positions_in_uv_s_copy_map_to_lines_of_the_user_s_file(tmp_path: object) -> None:
    from pathlib import Path
    from shlex import quote

    world = shell_world(Path(str(tmp_path)))
    file = world.directory / "copy.txt"
    file.write_text("# größer\nsix\nnumpy>=1<2\n")
    position = len("# größer\nsix\n".encode())
    says = f" + six==1\nerror: Couldn't parse `{file}` at position {position}\n  in {file}:3:7\n"

    output = world.run(
        f"printf %s {quote(says)} | python3 -c {quote(FILTER_UV_OUTPUT)} {file} my.txt"
    )

    assert output.stdout == "error: Couldn't parse my.txt, line 3\n  in my.txt:3:7\n", output.stderr
