"""Realistic software lists, each as a recipe's file, with the expected outcome."""

from pathlib import Path

import pytest

from notebake.errors import RecipeError
from notebake.recipe.file import load_recipe
from notebake.recipe.recipe import Recipe
from notebake.recipe.requirements import find_requirement_notes

FILE = "names another file, which will not be on the machine"
HOME = "C:\\Users\\someone\\miniconda3\\envs\\myenv"
REFUSED: dict[str, tuple[str, tuple[str, ...]]] = {
    "no YAML": (
        "name: x\nchannels:\n - conda-forge\ndependencies:\n  - numpy\n - pandas: [\n",
        ("line 6: is not YAML",),
    ),
    "pip freeze of a conda environment": (
        "certifi @ file:///croot/certifi_1700000000000/work/certifi\n"
        "numpy @ file:///home/conda/feedstock_root/build_artifacts/numpy_1700000000000/work\n"
        "six==1.16.0\n",
        (
            f"line 1: {FILE}; write certifi==VERSION (pip list --format=freeze",
            f"line 2: {FILE}; write numpy==VERSION",
        ),
    ),
    "folders of wheels": (
        "--find-links ./wheels\n-f wheels\nnumpy\n",
        ("line 1: names a folder", "line 2: names a folder"),
    ),
    "a wheel by its path": ("wheels/mytool-1.0-py3-none-any.whl\nnumpy\n", (f"line 1: {FILE}",)),
    "pip's own list": (
        "channels:\n  - conda-forge\ndependencies:\n  - python=3.10\n  - pip\n"
        "  - pip:\n    - -r requirements.txt\n",
        (f"line 7: {FILE}",),
    ),
    "a file without a blank": ("-rbase.txt\nnumpy\n", (f"line 1: {FILE}",)),
    "an export of Windows": (
        "name: myenv\nchannels:\n  - conda-forge\n  - defaults\ndependencies:\n"
        "  - python=3.8.5=h7579374_1\n  - numpy=1.19\n"
        "  - vs2015_runtime=14.27.29016=h5e58377_2\n  - pip:\n    - utm==0.7.0\n    - -e .\n"
        f"    - git+https://host/org/tool.git\nprefix: {HOME}\n",
        (
            "line 6: names a build of another system or channel; write python=3.8.5",
            "line 8: vs2015_runtime is for another system",
            f"line 11: {FILE}",
        ),
    ),
    "an export of the defaults channel": (
        "channels: [defaults]\ndependencies:\n  - numpy=1.19.2=py38h54aff64_0\n  - pip 20 py_0\n",
        ("line 3: names a build of another system or channel", "line 4: names a build"),
    ),
    "git under conda": (
        "dependencies:\n  - git+https://host/org/tool\n  - tool @ https://host/t.zip\n",
        ("line 2: is pip's to install; write it under pip:", "line 3: is pip's"),
    ),
    "pip without a list": (
        "dependencies:\n  - pip: utm\n  - npm:\n      - left-pad\n",
        ("line 2: pip must be a list", "line 3: is neither a package nor pip:"),
    ),
    "channels without a list": (
        "channels: conda-forge\ndependencies: [numpy]\n",
        ("line 1: channels must be a list",),
    ),
}
TAKEN: dict[str, tuple[str, tuple[str, ...]]] = {
    "to edit from git": (
        "-e git+https://host/org/tool.git@v1#egg=tool\nnumpy\n",
        ("line 1: what -e takes from git",),
    ),
    "from git": ("git+https://host/org/tool\nnumpy\n", ()),
    "indented": (
        " name: unidata\n channels:\n   - conda-forge\n dependencies:\n   - python>=3.6\n"
        "   - pip:\n     - utm\n",
        (),
    ),
    "a quoted key": ('"dependencies":\n  - numpy\n', ()),
    "old pins": ("numpy==1.19.5\npandas==1.1.5\n", ()),
    "builds of conda-forge beside defaults": (
        "channels: [conda-forge, defaults]\ndependencies:\n  - numpy=1.26.4=py311h64a7726_0\n"
        "  - blas=*=openblas\n  - pytorch=*=*cuda*\n",
        ("line 1: defaults is replaced by conda-forge", "line 3: the build", "line 4: the build"),
    ),
}
OF_ANACONDA = {
    "in a list": "channels: [conda-forge, defaults]\ndependencies: [numpy]\n",
    "in a block": "channels:\n  - conda-forge\n  - defaults\ndependencies: [numpy]\n",
    "quoted": 'channels:\n  - "defaults"\ndependencies: [numpy]\n',
    "by its own name": "channels: [pkgs/main]\ndependencies: [numpy]\n",
    "with a slash": "channels: [pkgs/r/]\ndependencies: [numpy]\n",
    "the channel anaconda": "channels: [anaconda]\ndependencies: [numpy]\n",
    "by its address": "channels: ['https://repo.anaconda.com/pkgs/main']\ndependencies: [a]\n",
    "by a subdirectory": "channels: ['https://repo.anaconda.com/pkgs/r/linux-64']\n"
    "dependencies: [a]\n",
    "by another address": "channels: ['https://conda.anaconda.org/anaconda']\ndependencies: [a]\n",
    "of one package": "dependencies: ['defaults::numpy']\n",
    "of one package by its address": "dependencies: ['https://repo.anaconda.com/pkgs/main::a']\n",
    "of one package by its channel": "dependencies: ['pkgs/main::numpy =1.26']\n",
}


def load(folder: Path, text: str | bytes) -> Recipe:
    """Return the recipe whose requirements_file holds this text; its manager goes by the text."""
    content = text if isinstance(text, bytes) else text.encode()
    manager = "conda" if b"dependencies" in content else "pip"
    name = "environment.yml" if manager == "conda" else "requirements.txt"
    (folder / name).write_bytes(content)
    recipe = folder / "recipe.yaml"
    recipe.write_text(f"name: x\nsoftware:\n  manager: {manager}\n  requirements_file: {name}\n")
    return load_recipe(recipe)


def notes(recipe: Recipe) -> list[str]:
    return list(find_requirement_notes(recipe.software.requirements, recipe.software.manager))


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_requirement_that_no_blank_machine_can_install_is_refused(
    text: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError) as raised:
        load(tmp_path, text)

    lines = raised.value.message.splitlines()
    assert len(lines) == len(words), raised.value.message
    for line, word in zip(lines, words, strict=True):
        assert f"software.requirements_file: {word}" in line


@pytest.mark.parametrize(("text", "words"), TAKEN.values(), ids=TAKEN.keys())
def test_a_requirement_that_a_blank_machine_can_install_is_accepted(
    text: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    found = notes(load(tmp_path, text))

    assert len(found) == len(words), found
    for note, word in zip(found, words, strict=True):
        assert note.startswith(word)


@pytest.mark.parametrize("text", OF_ANACONDA.values(), ids=OF_ANACONDA.keys())
def test_every_spelling_of_anaconda_s_channels_becomes_conda_forge(
    text: str, tmp_path: Path
) -> None:
    (note,) = notes(load(tmp_path, text))

    assert "replaced by conda-forge" in note
    assert note.startswith("line ")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_utf_16_list_is_refused_with_how_to_convert_it(encoding: str, tmp_path: Path) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    content = f"{mark}numpy==1.26\r\npandas\r\n".encode(encoding)

    with pytest.raises(RecipeError, match=r"UTF-16.*iconv --from-code=UTF-16"):
        load(tmp_path, content)


def test_a_byte_order_mark_and_crlf_change_nothing(tmp_path: Path) -> None:
    recipe = load(tmp_path, "\ufeffnumpy==1.26\r\n-e git+https://host/t#egg=t\r\n")

    assert [note.split(":")[0] for note in notes(recipe)] == ["line 2"]


def test_all_packages_of_a_recipe_are_checked_together(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    wrong = ("pandas >= 2", 'scipy; python_version>"3.8"', "numpy=1.19", "tool @ git+https://h/t")
    right = ("numpy>=1.20,<2", "requests[socks]", "git+https://host/org/tool")
    listed = "".join(f"    - {package!r}\n" for package in (*right, *wrong))
    recipe.write_text(f"name: x\nsoftware:\n  packages:\n{listed}")

    with pytest.raises(RecipeError) as raised:
        load_recipe(recipe)

    lines = raised.value.message.splitlines()
    assert len(lines) == len(wrong)
    for at, line in enumerate(lines, start=len(right)):
        assert f":{at + 4}:7: software.packages[{at}]: " in line
    assert "is in conda's style; with pip write numpy==1.19" in lines[2]


def test_the_packages_for_conda_are_checked_as_its_own(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    wrong = {
        "requests[socks]": "has extras, which only pip has; write requests",
        "git+https://host/org/tool": "is pip's to install; write it under pip:",
        "pywin32": "pywin32 is for another system than the machine's Linux",
        "numpy=>1.2": "is not a package specification of conda; write name=VERSION",
        "local::tool": "names a channel on another computer",
    }
    right = ("numpy=1.19", "numpy>=1.20,<2", "conda-forge::xarray", "gdal=3.8=py312h0_0")
    listed = "".join(f"    - {package!r}\n" for package in (*right, *wrong))
    recipe.write_text(f"name: x\nsoftware:\n  manager: conda\n  packages:\n{listed}")

    with pytest.raises(RecipeError) as raised:
        load_recipe(recipe)

    lines = raised.value.message.splitlines()
    assert len(lines) == len(wrong)
    for (at, words), line in zip(enumerate(wrong.values(), len(right)), lines, strict=True):
        assert f":{at + 5}:7: software.packages[{at}]: {words}" in line


def test_packages_are_not_checked_for_an_invalid_manager(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: x\nsoftware: {maneger: conda, packages: [numpy=1.19, 'a b']}\n")

    with pytest.raises(RecipeError) as raised:
        load_recipe(recipe)

    assert "did you mean manager?" in raised.value.message
    assert "conda's style" not in raised.value.message
