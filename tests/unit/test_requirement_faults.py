"""Requirements that no blank machine can install, told at once with their lines.

What uv says of the same lines was tried with uv 0.13.9.
"""

import pytest

from notebake.recipe.requirements import find_requirement_faults

SHA = "0" * 64
FILE, SSH, FOLDER = "names another file", "is fetched by ssh", "names a folder of another machine"
REFUSED = {
    "certifi @ file:///croot/certifi_1690232220950/work/certifi": f"{FILE}, which will not be on"
    " the machine; write certifi==VERSION (pip list --format=freeze",
    "packaging @ file:///home/conda/feedstock_root/build_artifacts/packaging/work": FILE,
    "tool[all] @ ./wheels/tool-1.0-py3-none-any.whl": FILE,
    "tool @ wheels/tool-1.0-py3-none-any.whl": FILE,
    "file:///home/me/tool": FILE,
    "FILE:/home/me/tool": FILE,
    "wheels/mytool-0.1-py3-none-any.whl": FILE,
    "mytool-0.1-py3-none-any.whl ; python_version > '3.8'": FILE,
    "mytool-0.1.tar.gz": FILE,
    "~/mytool": FILE,
    "C:\\wheels\\mytool.whl": FILE,
    ".": FILE,
    "./mytool[all]": FILE,
    "--find-links ./wheels": FOLDER,
    "--find-links=file:///wheels": FOLDER,
    "-f wheels": FOLDER,
    "-fwheels": FOLDER,
    "--index-url file:///srv/simple": FOLDER,
    "--extra-index-url=/srv/simple": FOLDER,
    "-r base.txt": FILE,
    "-rbase.txt": FILE,
    "--requirement=base.txt": FILE,
    "-c constraints.txt": FILE,
    "--constraint constraints.txt": FILE,
    "-e .": FILE,
    "-e /home/me/mytool": FILE,
    "--editable ./mytool": FILE,
    "-e git+ssh://git@github.com/me/private.git#egg=private": SSH,
    "mytool @ git+ssh://git@github.com/me/private.git": SSH,
    "git+ssh://git@github.com/me/private.git": SSH,
    "git+git@github.com:me/private.git": SSH,
    "git@github.com:me/private.git": SSH,
    "ssh://host/tool": SSH,
    "git+git://host/tool": "is fetched by git+git, which uv does not support",
    "hg+https://host/tool": "is fetched by hg+https, which uv does not support",
    "pkg-resources==0.0.0": "what pip freeze writes on Ubuntu and Debian; remove the line",
    "pkg_resources==0.0.0": "remove the line",
    "numpy=1.19": "is in conda's style; with pip write numpy==1.19",
    "numpy=1.19=py38h7579374_1": "is in conda's style; with pip write numpy==1.19",
    "Package    Version": "is not a package that pip can parse",
    "numpy>=1.0<2": "is not a package that pip can parse",
    "numpy pandas": "is not a package that pip can parse",
    "tool @ https://host/tool-${VERSION}.zip": "takes a value from another machine's environment",
}
TAKEN = (
    "numpy",
    "numpy==1.26.4",
    "numpy == 1.26.4",
    "numpy>=1.20,<2,!=1.21",
    "numpy (>=1.0)",
    "numpy~=1.26.0  # the last of its line",
    "requests[socks,security]==2.31.0",
    "scipy; python_version > '3.8'",
    "torch==2.0.1+cu118",
    "zope.interface===5.4.0",
    "tool @ git+https://github.com/org/tool@v1",
    "tool@https://host/tool-1.0.tar.gz",
    "git+https://github.com/org/tool.git#egg=tool",
    "git+https://github.com/org/tool",
    "-e git+https://github.com/org/tool.git@v1#egg=tool",
    "--editable=git+https://github.com/org/tool.git@v1#egg=tool&subdirectory=python",
    "https://host/tool-1.0-py3-none-any.whl",
    "--index-url https://host/simple",
    "-i https://host/simple",
    "--extra-index-url=https://host/simple",
    "--find-links https://host/wheels.html",
    "-r https://host/base.txt",
    "--no-binary :all:",
    "--pre",
    f"numpy==1.26.4 --hash=sha256:{SHA} --hash=sha256:{SHA}",
    f"numpy==1.26.4 \\\n    --hash=sha256:{SHA}",
    "# -r base.txt",
    "",
)


@pytest.mark.parametrize(("line", "words"), REFUSED.items(), ids=REFUSED.keys())
def test_a_line_that_only_another_machine_can_install_is_refused(line: str, words: str) -> None:
    (fault,) = find_requirement_faults(f"# frozen\nsix\n{line}\nnumpy\n", "pip")

    assert fault.startswith(f"line 3: {words}") or words in fault
    assert fault.startswith("line 3: ")


@pytest.mark.parametrize("line", TAKEN)
def test_portable_requirements_are_accepted(line: str) -> None:
    assert list(find_requirement_faults(f"six\n{line}\nnumpy\n", "pip")) == []


def test_every_error_names_its_first_line() -> None:
    text = f"numpy==1.0 \\\n  --hash=sha256:{SHA}\n./tool \\\n  ; python_version > '3'\r\n-e .\n"

    found = list(find_requirement_faults(text, "pip"))

    assert [fault.split(":")[0] for fault in found] == ["line 3", "line 5"]


@pytest.mark.parametrize("manager", ["pip", "conda"])
def test_a_credential_is_reported_without_its_value(manager: str) -> None:
    line = "tool @ git+https://me:secret@host/tool"
    text = line if manager == "pip" else f"dependencies:\n- pip:\n  - {line}\n"

    (fault,) = find_requirement_faults(text, manager)

    assert "holds a credential" in fault
    assert "secret" not in fault


ENVIRONMENT = "channels: [conda-forge]\ndependencies:\n  - python=3.11\n"
MAC_HOME = "/" + "Users"
ENVIRONMENTS = {
    "no YAML": ("dependencies:\n  - numpy\n - pandas: [\n", ("line 3: is not YAML",)),
    "no mapping": ("- numpy\n", ("with manager: conda this must be an environment.yml",)),
    "no dependencies": ("name: x\n", ("with manager: conda this must be an environment.yml",)),
    "no list": ("dependencies: numpy\n", ("line 1: dependencies must be a list",)),
    "pip's file": (
        f"{ENVIRONMENT}  - pip:\n    - -r requirements.txt\n    - utm==0.7\n",
        ("line 5: names another file",),
    ),
    "pip's folder": (f"{ENVIRONMENT}  - pip: [-e .]\n", ("line 4: names another file",)),
    "a package in a file": (f"{ENVIRONMENT}  - ./tool.conda\n", ("line 4: names another file",)),
    "of Windows": (
        f"{ENVIRONMENT}  - numpy=1.19=h7579374_1\n  - vs2015_runtime=14.27\n",
        ("line 4: names a build of another system or channel; write numpy=1.19", "line 5: vs2015"),
    ),
    "of Windows by its folder": (
        f"{ENVIRONMENT}  - numpy=1.19=h7579374_1\nprefix: C:\\Users\\me\\envs\\x\n",
        ("line 4: names a build of another system",),
    ),
    "of a Mac by its folder": (
        f"{ENVIRONMENT}  - numpy=1.19=h7579374_1\nprefix: {MAC_HOME}/me/x\n",
        ("line 4: names a build of another system",),
    ),
}
GOOD_ENVIRONMENTS = {
    "indented": " name: x\n channels:\n   - conda-forge\n dependencies:\n   - python>=3.6\n",
    "quoted": '"dependencies":\n  - numpy\n',
    "builds of Linux": f"{ENVIRONMENT}  - numpy=1.26.4=py311h64a7726_0\nprefix: /opt/x\n",
    "a channel": f"{ENVIRONMENT}  - conda-forge::numpy >=1.20\n",
    "pip": f"{ENVIRONMENT}  - pip\n  - pip:\n    - tool @ git+https://host/tool\n",
}


@pytest.mark.parametrize(("text", "words"), ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
def test_an_environment_that_conda_cannot_make_here_is_refused(
    text: str, words: tuple[str, ...]
) -> None:
    found = list(find_requirement_faults(text, "conda"))

    assert len(found) == len(words), found
    for fault, word in zip(found, words, strict=True):
        assert fault.startswith(word)


@pytest.mark.parametrize("text", GOOD_ENVIRONMENTS.values(), ids=GOOD_ENVIRONMENTS.keys())
def test_an_environment_file_is_parsed_as_yaml_in_any_style(text: str) -> None:
    assert list(find_requirement_faults(text, "conda")) == []
    assert list(find_requirement_faults(text, "pip")) == ["an environment.yml needs manager: conda"]


@pytest.mark.parametrize(
    "channel",
    ["./x", "../x", "local", "file:///srv/channel", "/srv/channel", "~/channel", "C:\\channel"],
)
def test_a_channel_of_another_computer_is_refused(channel: str) -> None:
    text = f"channels:\n  - conda-forge\n  - {channel}\ndependencies:\n  - numpy\n"

    (fault,) = find_requirement_faults(text, "conda")

    assert fault.startswith("line 3: names a channel on another computer")


def test_the_channel_of_one_package_may_not_be_of_another_computer() -> None:
    text = "channels: [conda-forge]\ndependencies:\n  - local::x\n  - file:///srv::y\n  - a::z\n"

    found = list(find_requirement_faults(text, "conda"))

    assert [fault.partition(";")[0] for fault in found] == [
        f"line {line}: names a channel on another computer, which will not be on the machine"
        for line in (3, 4)
    ]


def test_a_file_that_is_not_a_package_list_is_refused() -> None:
    assert list(find_requirement_faults("x" * 200_001, "pip")) == [
        "is longer than 200000 characters"
    ]
    without_mark = "numpy\r\n".encode("utf-16-le").decode()
    (fault,) = find_requirement_faults(without_mark, "pip")
    assert "iconv --from-code=UTF-16LE" in fault


def test_a_yaml_bomb_is_refused_quickly() -> None:
    doubled = "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))

    assert list(find_requirement_faults(f"a0: &a0 [x]\n{doubled}", "conda")) != []
    assert list(find_requirement_faults("[" * 50_000, "conda")) != []
