"""Lists that another system or another program wrote, told before a machine is paid for.

That the packages here have no file for Linux was tried with pip download.
"""

import pytest

from notebake.recipe.requirements import find_requirement_faults

OTHER_SYSTEM = "is for another system than the machine's Linux"
REFUSED = {
    "pywin32==306": OTHER_SYSTEM,
    "pywin32 ; python_version >= '3.6'": OTHER_SYSTEM,
    "PyWinPTY==2.0.13": OTHER_SYSTEM,
    "pypiwin32==223": OTHER_SYSTEM,
    "tensorflow-intel==2.11.0": OTHER_SYSTEM,
    "tensorflow_macos==2.9.2": OTHER_SYSTEM,
    "tensorflow-metal": OTHER_SYSTEM,
    "pyobjc-framework-Cocoa==9.2": OTHER_SYSTEM,
    "windows-curses==2.3.1": OTHER_SYSTEM,
    "python-magic-bin==0.4.14": OTHER_SYSTEM,
    "python>=3.6": "python is not a package of pip's index",
    "python==3.8.*": "python is not a package of pip's index",
    "sklearn": "sklearn cannot be installed; write scikit-learn",
    "C:/wheels/GDAL-3.4.3-cp38-cp38-win_amd64.whl": "names another file",
    "GDAL @ file:///C:/wheels/GDAL-3.4.3-cp38-cp38-win_amd64.whl": "names another file",
    "https://host/o/t/tarball/master": "is fetched from an address that does not end in",
    "t @ https://host/o/t/zipball/master#egg=t": "is fetched from an address that does not end in",
    "https://host/o/t": "is fetched from an address that does not end in",
}
TAKEN = (
    "pywin32==306 ; sys_platform == 'win32'",
    "pywin32>=226; platform_system=='Windows'",
    "pywin32 ; os_name == 'nt' and python_version > '3'",
    "appnope ; sys_platform == 'darwin'",
    "tensorflow-macos ; platform_system == 'Darwin'",
    "python-dateutil",
    "pywin32-ctypes==0.2.0",
    "scikit-learn",
    "t @ https://host/t-1.0.tar.gz?download=1",
    "https://host/archive/refs/heads/master.zip ; python_version > '3'",
    "https://host/o/t.git",
    "https://host/a%20b/t-1.0-py3-none-any.whl#sha256=" + "0" * 64,
)


@pytest.mark.parametrize(("line", "words"), REFUSED.items(), ids=REFUSED.keys())
@pytest.mark.parametrize("manager", ["pip", "conda"])
def test_a_line_of_elsewhere_is_refused(line: str, words: str, manager: str) -> None:
    under_pip = f'dependencies:\n- pip:\n  - "{line}"\n'

    (fault,) = find_requirement_faults(f"six\n\n{line}" if manager == "pip" else under_pip, manager)

    assert fault.startswith("line 3: ")
    assert words in fault


@pytest.mark.parametrize("line", TAKEN)
def test_a_line_for_this_system_is_accepted(line: str) -> None:
    assert list(find_requirement_faults(f"six\n{line}\n", "pip")) == []


LISTS = {
    "pip list": "Package    Version\n---------- -------\nnumpy      1.0\nsix 1.16\n",
    "conda list": "# packages in environment at /opt/x:\n#\n# Name Version Build Channel\n"
    "numpy  1.19.2  py38h54aff64_0\npython 3.8.5 h7579374_1\n",
    "conda list --export": "# This file may be used to create an environment using:\n"
    "# $ conda create --name <env> --file <this file>\n# platform: linux-64\n"
    "_libgcc_mutex=0.1=main\nblas=1.0=mkl\nnumpy=1.19.2=py38h54aff64_0\n",
    "conda list --explicit": "# platform: linux-64\n@EXPLICIT\n"
    "https://host/conda-forge/linux-64/numpy-1.0-0.conda\n",
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("manager", ["pip", "conda"])
def test_what_a_program_prints_for_people_is_refused_in_one_line(name: str, manager: str) -> None:
    (fault,) = find_requirement_faults(LISTS[name], manager)

    assert f"is the output of `{name}`" in fault
    assert ("pip list --format=freeze" if name == "pip list" else "conda env export") in fault


CONDA = {
    "requests[socks]": "has extras, which only pip has; write requests",
    "dask[complete] >=2": "has extras, which only pip has; write dask",
    "numpy=>1.19": "is not a package specification of conda",
    "numpy={{ version }}": "is not a package specification of conda",
}


@pytest.mark.parametrize(("spec", "words"), CONDA.items(), ids=CONDA.keys())
def test_a_specification_that_rattler_refuses_is_refused(spec: str, words: str) -> None:
    exceptions, rattler = map(pytest.importorskip, ("rattler.exceptions", "rattler"))
    with pytest.raises(exceptions.InvalidMatchSpecError):
        rattler.MatchSpec(spec)

    (fault,) = find_requirement_faults(f'dependencies:\n- "{spec}"\n', "conda")

    assert fault.startswith("line 2: ")
    assert words in fault


@pytest.mark.parametrize(
    "line",
    [
        'foo; "a" in extras',
        'foo; os_name ~= "posix"',
        'tensorflow-macos; platform_machine == "riscv64"',
        'pywin32; sys_platform == "win32"',
    ],
)
def test_a_condition_that_cannot_be_judged_here_is_no_fault(line: str) -> None:
    assert list(find_requirement_faults(line, "pip")) == []


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_condition_on_the_processor_is_the_machine_s(machine: str) -> None:
    line = f'tensorflow-macos; platform_machine == "{machine}"'
    assert "another system" in "".join(find_requirement_faults(line, "pip"))


@pytest.mark.parametrize(
    ("text", "manager"),
    [
        (
            "# This file may be used to create an environment using:\n"
            "# $ conda create --name <env> --file <this file>\nnumpy==1.26.4\n",
            "pip",
        ),
        (
            "# packages in environment at /opt/conda:\nname: x\ndependencies:\n- numpy=1.26\n",
            "conda",
        ),
    ],
)
def test_the_heading_of_a_list_that_was_tidied_up_is_a_comment(text: str, manager: str) -> None:
    assert list(find_requirement_faults(text, manager)) == []
