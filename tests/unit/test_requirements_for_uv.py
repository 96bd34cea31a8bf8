"""Requirements are read as pip reads them, and handed to uv in its own writing, line by line.

The judge is pip itself: what it finds in a file, it must find in what uv is given.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from pip._internal.exceptions import InstallationError
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.req.req_file import parse_requirements

from notebake.recipe.requirement_text import logical_lines
from notebake.recipe.requirements import (
    find_requirement_faults,
    find_requirement_notes,
    requirements_for_uv,
)

SHA = "0" * 64
READ_ALIKE = (
    "numpy",
    "numpy == 1.26.4  # as on the cluster",
    "numpy==1.26.4\t# as on the cluster",
    "numpy==1.26.4;python_version>='3.8'",
    "numpy==1.26.4 ; python_version<'3.8' or sys_platform=='win32'",
    "requests[socks,security]>=2,<3",
    "Zope.Interface~=5.0",
    "zope.interface===5.4.0",
    "torch==2.0.1+cu118",
    "numpy==1.*",
    "numpy (>=1.0,<2)",
    f"numpy==1.0 --hash=sha256:{SHA} --hash=sha256:{SHA[:-1]}1",
    f"numpy==1.0 --hash sha256:{SHA}",
    f"numpy==1.0 \\\n    --hash=sha256:{SHA} \\\n    --hash=sha256:{SHA[:-1]}1\nsix",
    f"numpy==1.0 \\\n    # via pandas\n    --hash=sha256:{SHA}\nsix",
    "numpy==1.0 \\\n  ; python_version>'3'\nsix",
    "numpy\\",
    "\\\nnumpy",
    "# numpy \\\nsix",
    "numpy\r\nsix\r\n",
    "numpy\n\n\nsix",
    "numpy\x0bpandas",
    "t @ git+https://host/o/t",
    "t@git+https://host/o/t@abc123",
    "t[x] @ git+https://host/o/t#subdirectory=python ; python_version>'3'",
    "git+https://host/o/t@v1.0",
    "git+https://host:8443/o/t.git@feature/x#egg=t",
    f"t@https://host/t-1.0-py3-none-any.whl#sha256={SHA}",
    "https://host/t-1.0-py3-none-any.whl ; sys_platform=='linux'",
    "https://host/t-1.0.tar.gz",
    "--index-url https://host/simple\nsix",
    "-ihttps://host/simple\nsix",
    "--pypi-url=https://host/simple\nsix",
    "--extra-index-url https://host/simple --trusted-host host\nsix",
    "--no-binary=:all:\nsix",
    "--pre\nsix",
)


@dataclass(frozen=True)
class Found:
    """What pip finds in one requirement."""

    line: str
    requirement: str
    address: str
    marker: str
    hashes: tuple[str, ...]


def found_by_pip(folder: Path, text: str) -> list[Found]:
    """Return what pip reads in a text; InstallationError where it reads none."""
    file = folder / "requirements.txt"
    file.write_text(text, newline="")
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for requirement in parse_requirements(str(file), PipSession()):
            read = install_req_from_parsed_requirement(requirement)
            hashes = [each for every in read.hash_options.values() for each in every]
            found.append(
                Found(
                    line=requirement.comes_from.rpartition("line ")[2].rstrip(")"),
                    requirement=str(read.req),
                    address=read.link.url if read.link else "",
                    marker=str(read.markers),
                    hashes=tuple(hashes),
                )
            )
    return found


@pytest.mark.parametrize("text", READ_ALIKE)
def test_uv_gets_the_requirements_that_pip_reads(text: str, tmp_path: Path) -> None:
    wanted = found_by_pip(tmp_path, text)
    assert wanted
    assert list(find_requirement_faults(text, "pip")) == []

    assert found_by_pip(tmp_path, requirements_for_uv(text)) == wanted


EDITABLE = {
    "-e git+https://host/o/t.git@v1#egg=t": "t @ git+https://host/o/t.git@v1",
    "--editable=git+https://host/o/t#egg=t": "t @ git+https://host/o/t",
    "-egit+https://host/o/t": "git+https://host/o/t",
    "-e 'git+https://host/o/t#egg=t'": "t @ git+https://host/o/t",
    "-e git+https://host/o/t#egg=t[x,y]&subdirectory=z": "t[x,y] @ git+https://host/o/t"
    "#subdirectory=z",
    "-e git+https://host/o/t#subdirectory=z&egg=t ; python_version > '3'": "t @"
    " git+https://host/o/t#subdirectory=z ; python_version > '3'",
}


@pytest.mark.parametrize(("line", "instead"), EDITABLE.items(), ids=EDITABLE.keys())
def test_an_editable_git_requirement_is_installed_with_a_note(line: str, instead: str) -> None:
    text = f"six\n{line}\nnumpy\n"

    assert list(find_requirement_faults(text, "pip")) == []
    assert requirements_for_uv(text) == f"six\n{instead}\nnumpy\n"
    (note,) = find_requirement_notes(text, "pip")
    assert note.startswith("line 2: what -e takes from git is installed as a package")


def test_several_options_on_one_line_become_separate_lines_at_the_end() -> None:
    text = "--extra-index-url https://host/simple --no-binary numpy\nsix\n"

    assert requirements_for_uv(text).splitlines() == [
        "--extra-index-url https://host/simple",
        "six",
        "--no-binary numpy",
    ]


REFUSED_BY_PIP = (
    "numpy pandas",
    "numpy=1.19",
    "numpy,",
    "'numpy'",
    "numpy-",
    "numpy; python_version>3",
    "numpy; nothing=='x'",
    "--upgrade",
    "-v",
    "@ https://host/t.zip",
    "./t",
    "a/b",
    "x.whl",
    "C:\\x\\y.whl",
)


@pytest.mark.parametrize("line", REFUSED_BY_PIP)
def test_a_line_that_pip_refuses_is_refused(line: str, tmp_path: Path) -> None:
    with pytest.raises((InstallationError, ValueError)):
        found_by_pip(tmp_path, f"six\n{line}\n")

    (fault,) = find_requirement_faults(f"six\n{line}\n", "pip")
    assert fault.startswith("line 2: ")


UV_ALONE_REFUSES = (
    "numpy --global-option=x",
    "numpy --config-settings=a=b",
    "six -i https://host/simple",
    "svn+https://host/x",
    "numpy>=1<2",
)


@pytest.mark.parametrize("line", UV_ALONE_REFUSES)
def test_a_line_that_only_uv_refuses_is_refused(line: str) -> None:
    (fault,) = find_requirement_faults(f"six\n{line}\n", "pip")

    assert fault.startswith("line 2: ")


def test_lines_are_joined_as_pip_joins_them(tmp_path: Path) -> None:
    text = "a \\\n  ==1 # why\n\n# c \\\nb \\\n\\\n>2\nc\\"
    found = [(f"{number}", line) for number, line in logical_lines(text) if line]

    assert [line for line, _ in found] == [
        requirement.line for requirement in found_by_pip(tmp_path, text)
    ]
    assert [line for line, _ in found] == ["1", "5", "8"]


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://me:secret@host/simple",
        "--extra-index-url=https://token@host/simple",
        "t @ https://me:secret@host/t.zip",
        "-e git+https://secret@host/t.git#egg=t",
        "# --index-url https://me:secret@host/simple",
    ],
)
def test_a_credential_anywhere_is_refused_without_its_value(line: str) -> None:
    (fault,) = find_requirement_faults(f"six\n{line}\n", "pip")

    assert fault.startswith("line 2: holds a credential")
    assert "secret" not in fault
    assert "token" not in fault


def test_a_token_in_a_channel_s_address_is_a_credential() -> None:
    token = "ab-" + "0123456789ab-" * 3
    text = f"channels:\n  - https://host/t/{token}/mine\ndependencies: [numpy]\n"

    (fault,) = find_requirement_faults(text, "conda")

    assert fault.startswith("line 2: holds a credential")
    assert token not in fault
