"""What an environment.yml leaves to pip reaches uv as completely as a requirements.txt does.

conda writes these entries to a requirements.txt, each on a line of its own (conda/env/installers/
pip.py), so what pip reads there is what uv must be given.
"""

import pytest

from notebake.commands.conda import write_conda_job
from notebake.recipe import Software
from notebake.recipe.environment_nodes import read_environment
from notebake.recipe.requirements import find_requirement_faults, requirements_for_uv

BEGIN = "channels: [conda-forge]\ndependencies:\n"
WHEEL = "https://host/wheels.html"
LISTS = {
    "a list on one line": ("  - pip: [utm, folium==0.14]\n", "\n\nutm\nfolium==0.14\n"),
    "two on one line": ("  - pip:\n    - utm\n  - pip: [a, b]\n", "\n\n\nutm\na\nb\n"),
    "two options": (
        "  - pip:\n    - --index-url https://host/simple --trusted-host host\n    - utm\n",
        "\n\n\n--trusted-host host\nutm\n--index-url https://host/simple\n",
    ),
    "no blank": (f"  - pip:\n    - -f{WHEEL}\n    - utm\n", f"\n\n\n--find-links {WHEEL}\nutm\n"),
    "a comment": ("  - pip:\n    - 'utm==0.7  # as there'\n", "\n\n\nutm==0.7\n"),
    "several names": (
        "  - pip:\n    - --no-binary shapely,fiona\n",
        "\n\n\n--no-binary shapely\n--no-binary fiona\n",
    ),
}


@pytest.mark.parametrize(("text", "wanted"), LISTS.values(), ids=LISTS.keys())
def test_each_entry_under_pip_reaches_uv(text: str, wanted: str) -> None:
    assert list(find_requirement_faults(BEGIN + text, "conda")) == []

    assert read_environment(BEGIN + text).pip == wanted


def test_uv_gets_a_file_of_all_entries() -> None:
    software = Software(manager="conda", requirements=f"{BEGIN}  - pip: [utm, folium]\n")

    commands = "\n".join(write_conda_job(software, (), "/opt/x"))

    assert "utm\nfolium\n" in commands


def test_several_names_of_an_option_become_a_line_each() -> None:
    text = "--only-binary=numpy,scipy\nsix\n--no-binary=:all:\n"

    assert requirements_for_uv(text).splitlines() == [
        "--only-binary numpy",
        "six",
        "--no-binary :all:",
        "--only-binary scipy",
    ]


IGNORED = {
    "pip beside dependencies": ("dependencies: [numpy]\npip:\n  - utm\n", "line 2: pip belongs"),
    "a mapping under pip": (f"{BEGIN}  - pip:\n    - utm: 0.7\n", "line 4: is not a package"),
    "a list under pip": (f"{BEGIN}  - pip:\n    - [utm, folium]\n", "line 4: is not a package"),
    "a mapping among channels": (
        "channels:\n  - conda-forge: x\ndependencies: [numpy]\n",
        "line 2: is not the name of a channel",
    ),
    "dependencies twice": (
        "dependencies: [numpy]\nname: x\ndependencies:\n  - pandas\n",
        "line 3: dependencies is given twice, first in line 1",
    ),
    "pip twice": (
        f"{BEGIN}  - pip: [utm]\n    pip: [folium]\n",
        "line 4: pip is given twice, first in line 3",
    ),
}


@pytest.mark.parametrize(("text", "words"), IGNORED.values(), ids=IGNORED.keys())
def test_nothing_in_an_environment_is_ignored_silently(text: str, words: str) -> None:
    (fault,) = find_requirement_faults(text, "conda")

    assert fault.startswith(words)
