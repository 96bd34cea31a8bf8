"""The lists of packages: CycloneDX as its own validator takes it, with package URLs."""

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from notebake.ledger import kinds
from notebake.ledger.entry import hash_of
from notebake.reports.crate.lock_packages import Package, python_packages, system_packages
from notebake.runs.open_store import open_store
from tests.crate.reading import Crate, crate_of, export, ids
from tests.crate.runs import APT, FILES, Runs

CONDA = """\
@EXPLICIT
https://conda.anaconda.org/conda-forge/linux-64/numpy-2.1.0-py312h_0.conda#sha256:{digest}
https://repo.test/own/noarch/old_tool-1.0-0.tar.bz2#0123456789abcdef0123456789abcdef
""".replace("{digest}", "ab" * 32)


@pytest.fixture
def crate(world: Runs) -> Crate:
    return crate_of(world, world.accepted())


@pytest.mark.parametrize("name", ["packages-python.cdx.json", "packages-system.cdx.json"])
def test_a_list_is_valid_cyclonedx(name: str, crate: Crate) -> None:
    text = (crate.folder / name).read_text()

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    broken = text.replace('"library"', '"book"', 1)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def components(crate: Crate, name: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in crate.read(name)["components"]}


def test_packages_of_the_distribution_can_be_matched_with_advisories(crate: Crate) -> None:
    found = components(crate, "packages-system.cdx.json")

    assert set(found) == {"git", "libc6"}
    purl = PackageURL.from_string(found["git"]["purl"])
    assert (purl.type, purl.namespace, purl.name) == ("deb", "ubuntu", "git")
    assert purl.version == "1:2.43.0-1ubuntu7.3"
    assert purl.qualifiers == {"arch": "amd64", "distro": "ubuntu-24.04"}
    known = {each["name"]: each["value"] for each in found["git"]["properties"]}
    assert known["notebake:suite"] == "noble-updates"
    assert known["notebake:origin"] == "Ubuntu"
    of_libc = {each["name"]: each["value"] for each in found["libc6"]["properties"]}
    assert of_libc == {"notebake:source": "glibc", "notebake:source-version": "2.39-0ubuntu8.6"}


def test_python_packages_have_purls_of_pypi(crate: Crate) -> None:
    found = components(crate, "packages-python.cdx.json")

    assert found["numpy"]["purl"] == "pkg:pypi/numpy@2.1.0"
    tool = PackageURL.from_string(found["our-tool"]["purl"])
    assert tool.version is None
    assert tool.qualifiers == {"vcs_url": "git+https://example.org/t.git@5d4140"}
    assert set(found) == {"jupyterlab", "numpy", "our-tool"}, "papermill is not the image's"


def test_the_list_says_of_which_image_it_is(crate: Crate) -> None:
    for name in ("packages-python.cdx.json", "packages-system.cdx.json"):
        document = crate.read(name)
        subject = document["metadata"]["component"]
        assert (subject["type"], subject["name"]) == ("operating-system", "ami-0123456789abcdef0")
        installed = {each["ref"]: each for each in document["dependencies"]}[subject["bom-ref"]]
        assert installed["dependsOn"] == sorted(each["purl"] for each in document["components"])


def test_the_same_run_gives_the_same_list(world: Runs, tmp_path: Path) -> None:
    run = world.accepted()
    texts = []
    for name in ("one", "two"):
        assert export(world, run, tmp_path / name) == 0
        texts.append((tmp_path / name / "packages-system.cdx.json").read_bytes())

    assert texts[0] == texts[1]


def test_conda_packages_have_channel_build_and_hash_and_stand_once() -> None:
    locks = {
        "locks/conda-explicit.txt": CONDA,
        "locks/requirements.txt": "numpy==2.1.0\nold-tool @ file:///x\nextra==3\n",
    }

    numpy, tool, extra = python_packages(locks)

    assert numpy == Package(
        "conda",
        "",
        "numpy",
        "2.1.0",
        {
            "build": "py312h_0",
            "channel": "conda-forge",
            "repository_url": "https://conda.anaconda.org",
            "subdir": "linux-64",
            "type": "conda",
        },
        "ab" * 32,
    )
    assert (tool.name, tool.version, tool.sha256) == ("old_tool", "1.0", ""), "an md5 is no SHA-256"
    assert tool.qualifiers["type"] == "tar.bz2"
    assert (extra.kind, extra.name) == ("pypi", "extra")


def test_an_older_lock_file_gives_names_and_versions_and_no_purl() -> None:
    found = system_packages({"locks/apt.txt": FILES["locks/apt.txt"].decode()})

    assert [(each.name, each.version, each.kind) for each in found] == [
        ("git", "1:2.43.0-1ubuntu7.3", ""),
        ("libc6", "2.39-0ubuntu8.6", ""),
    ]
    assert "did not record" in found[0].properties["notebake:purl"]


def test_a_package_of_two_architectures_stands_once_if_they_are_unknown(world: Runs) -> None:
    lock = b"libc6=2.39\nlibc6=2.39\n"
    run = world.begin("ocean-before")
    body = {"name": "locks/apt.txt", "size": 22, "sha256": hash_of(lock)}
    open_store(world.location).write(f"{run}/locks/apt.txt", lock)
    world.write(run, [*world.beginning(), (kinds.FILE, body)])

    crate = crate_of(world, run)

    assert set(components(crate, "packages-system.cdx.json")) == {"libc6"}
    text = (crate.folder / "packages-system.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_an_unknown_distribution_has_no_purl() -> None:
    lock = json.dumps({**APT, "release": {}})

    assert [each.kind for each in system_packages({"locks/apt-packages.json": lock})] == ["", ""]


def test_a_run_without_lock_files_has_no_list(world: Runs) -> None:
    crate = crate_of(world, world.failed())

    assert [name for name in crate.entities if name.startswith("packages-")] == []


@pytest.mark.parametrize("number", [1, 2])
def test_each_format_of_the_list_gives_the_same_packages(number: int) -> None:
    newer = {"format": 2, "default_release": "noble"} if number == 2 else {}
    lock = json.dumps({**APT, **newer})

    found = system_packages({"locks/apt-packages.json": lock})

    assert found == system_packages(
        {"locks/apt-packages.json": FILES["locks/apt-packages.json"].decode()}
    )
    assert [each.kind for each in found] == ["deb", "deb"]


def test_a_package_on_hold_says_so() -> None:
    document = json.loads(FILES["locks/apt-packages.json"])
    document["packages"][0]["hold"] = True

    held, free = system_packages({"locks/apt-packages.json": json.dumps(document)})

    assert held.properties["notebake:hold"] == "true"
    assert "notebake:hold" not in free.properties


def test_the_lists_are_files_of_the_step_that_kept_them(crate: Crate) -> None:
    given = ids(crate["#try-install_software-1"]["result"])

    for name in ("apt-packages.json", "apt-sources.json", "python.json"):
        described = crate[f"files/locks/{name}"]
        assert described["encodingFormat"] == "application/json"
        assert described["sha256"] == hash_of(FILES[f"locks/{name}"])
        assert described["@id"] in given
