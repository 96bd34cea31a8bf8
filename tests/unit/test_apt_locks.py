"""The lock files of apt: made by this machine's dpkg and apt, where it has them."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from notebake.apt import packages, sources
from notebake.commands.apt import write_apt_locks
from notebake.commands.shell import script, variables
from notebake.commands.uv import DEFINE_LOCKING
from notebake.ledger.difference import Compared, compare
from notebake.ledger.summary import Summary
from notebake.ledger.versions import package_versions

needs_apt = pytest.mark.skipif(
    not shutil.which("dpkg-query") or not shutil.which("apt-cache"),
    reason="This machine has no dpkg and apt.",
)
POLICY = """\
git:
  Installed: 1:2.43.0-1ubuntu7
  Candidate: 1:2.43.0-1ubuntu7.3
  Version table:
     1:2.43.0-1ubuntu7.3 500 (phased 10%)
        500 https://archive.test/ubuntu noble-updates/main amd64 Packages
 *** 1:2.43.0-1ubuntu7 500
        500 https://archive.test/ubuntu noble/main amd64 Packages
        100 /var/lib/dpkg/status
     1:2.40.0-1 -1
         -1 https://archive.test/ubuntu older/main amd64 Packages
own:
  Installed: 1.0
  Candidate: 1.0
  Version table:
 *** 1.0 100
        100 /var/lib/dpkg/status
"""


@pytest.fixture(scope="module")
def locks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lock files of this machine."""
    folder = tmp_path_factory.mktemp("locks")
    text = script(variables(locks=str(folder)), DEFINE_LOCKING, write_apt_locks())
    subprocess.run(["bash", "-c", text], check=True)
    return folder


def read(locks: Path, name: str) -> Any:
    return json.loads((locks / name).read_text())


@needs_apt
def test_each_package_has_what_dpkg_says_of_it(locks: Path) -> None:
    words = ["dpkg-query", "--show", "--showformat", "${Status}|${source:Version}\n", "dpkg"]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = read(locks, "apt-packages.json")

    (dpkg,) = [each for each in found["packages"] if each["name"] == "dpkg"]
    assert f"install ok installed|{dpkg['source_version']}\n" == printed
    assert (dpkg["source"], dpkg["architecture"]) == ("dpkg", found["architecture"])
    listed = package_versions((locks / "apt.txt").read_text())
    assert listed.items() >= {(each["name"], each["version"]) for each in found["packages"]}
    assert found["release"]["id"]
    assert found["notes"] == []


@needs_apt
def test_each_package_has_the_indexes_that_apt_has_it_from(locks: Path) -> None:
    found = read(locks, "apt-packages.json")

    known = {
        (position, name)
        for position, index in enumerate(found["indexes"])
        for name in _names_in(index["description"])
    }
    if not known:
        pytest.skip("apt has no lists of packages here.")
    shown = {(at, each["name"]) for each in found["packages"] for at in each["indexes"]}
    assert shown
    assert shown <= known


def _names_in(description: str) -> set[str]:
    """Return the names in one list of packages, read from the list itself."""
    words = ["apt-get", "indextargets", "--format", "$(FILENAME)", f"Description: {description}"]
    name = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    helper = ["/usr/lib/apt/apt-helper", "cat-file", name]
    text = subprocess.run(helper, capture_output=True, text=True, check=True).stdout
    return {line[9:] for line in text.splitlines() if line.startswith("Package: ")}


def test_a_package_is_from_the_index_of_its_installed_version_only() -> None:
    assert dict(packages.parse_policy(POLICY))["git"] == [
        "https://archive.test/ubuntu noble/main amd64 Packages",
        "/var/lib/dpkg/status",
    ]
    assert dict(packages.parse_policy(POLICY))["own"] == ["/var/lib/dpkg/status"]


def test_what_a_program_did_not_tell_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    found = packages.describe()

    assert found["packages"] == found["indexes"] == []
    assert [note.partition(":")[0] for note in found["notes"]] == [
        *("apt-get", "dpkg", "apt-config", "dpkg-query"),
    ]


@needs_apt
def test_the_old_lock_file_is_as_before(locks: Path) -> None:
    new = {path.name: package_versions(path.read_text()) for path in locks.iterdir()}

    assert set(new) == {"apt.txt", "apt-packages.json", "apt-sources.json"}
    assert new["apt-packages.json"] == new["apt-sources.json"] == {}, "no package is listed twice"


@needs_apt
def test_no_package_differs_between_an_older_run_and_a_newer_one(locks: Path) -> None:
    new = {path.name: package_versions(path.read_text()) for path in locks.iterdir()}
    summary = Summary(run="ocean")

    before = Compared(summary=summary, packages={"apt.txt": new["apt.txt"]})
    compared = compare(before, Compared(summary=summary, packages=new))

    packages = [each for each in compared if each.section.startswith("packages")]
    assert len(packages) > 50
    assert [each for each in packages if not each.is_same] == []


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A configuration of apt with a source of each form, and a login in one."""
    folder = tmp_path / "apt"
    (folder / "sources.list.d").mkdir(parents=True)
    (folder / "sources.list").write_text(
        "# the archive\n"
        f"deb [signed-by={tmp_path}/one.gpg] https://ada:secret@archive.test/ubuntu noble main\n"
    )
    (folder / "sources.list.d/two.sources").write_text(
        f"Types: deb\nURIs: https://two.test/\nSigned-By: {tmp_path}/two.asc\n"
    )
    (folder / "sources.list.d/three.list.disabled").write_text("deb https://three.test/ x main\n")
    return folder


def test_sources_are_kept_without_logins(configuration: Path) -> None:
    found = sources.describe_sources(configuration)["sources"]

    assert [name.rpartition("/")[2] for name in found] == ["sources.list", "two.sources"]
    (line,) = found[f"{configuration}/sources.list"]
    assert line.endswith("https://archive.test/ubuntu noble main")
    assert "secret" not in json.dumps(found)


@pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is not installed.")
def test_fingerprints_are_those_of_gpg(configuration: Path, tmp_path: Path) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)

    def gpg(*words: str) -> bytes:
        line = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-autostart", *words]
        return subprocess.run(line, capture_output=True, check=True).stdout

    own = [path for path in Path("/usr/share/keyrings").glob("*.gpg") if path.stat().st_size]
    if not own:
        pytest.skip("This machine has no keyring of a distribution.")
    shutil.copy(own[0], tmp_path / "one.gpg")
    gpg("--import", str(own[0]))
    (tmp_path / "two.asc").write_bytes(gpg("--export", "--armor"))
    shown = gpg("--list-keys", "--with-colons").decode().split("\npub:")[1:]
    expected = sorted(block.partition("\nfpr:")[2].split(":")[8] for block in shown)

    keyrings = sources.describe_sources(configuration)["keyrings"]

    assert [each["path"] for each in keyrings] == [f"{tmp_path}/one.gpg", f"{tmp_path}/two.asc"]
    assert expected
    for each in keyrings:
        assert sorted(each["fingerprints"]) == expected


def test_a_keyring_that_cannot_be_read_is_noted(configuration: Path, tmp_path: Path) -> None:
    (tmp_path / "two.asc").write_bytes(b"no key")

    found = sources.describe_sources(configuration)

    assert found["keyrings"] == []
    assert sorted(note.partition(":")[0] for note in found["notes"]) == [
        f"{tmp_path}/one.gpg",
        f"{tmp_path}/two.asc",
    ]


def test_stanzas_preferences_and_mirrors_are_kept_apart(configuration: Path) -> None:
    mirrors = configuration / "mirrors.list"
    mirrors.write_text("# near\nhttps://ada:secret@near.test/debian\nhttps://far.test/debian\n")
    (configuration / "sources.list.d/four.sources").write_text(
        f"\n# first\nTypes: deb\nURIs: mirror+file://{mirrors}\n\n\n# second\nTypes: deb-src\n"
    )
    (configuration / "preferences.d").mkdir()
    (configuration / "preferences.d/pin").write_text("Package: a\n\nPackage: b\n")

    found = sources.describe_sources(configuration)

    assert found["sources"][f"{configuration}/sources.list.d/four.sources"] == [
        *("Types: deb", f"URIs: mirror+file://{mirrors}", "", "Types: deb-src"),
    ]
    assert found["preferences"] == {
        f"{configuration}/preferences.d/pin": ["Package: a", "", "Package: b"]
    }
    assert found["mirrors"] == {
        str(mirrors): ["https://near.test/debian", "https://far.test/debian"]
    }


@pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is not installed.")
def test_a_keyring_is_kept_unless_it_holds_a_secret_key(configuration: Path) -> None:
    home = configuration / "gnupg"
    home.mkdir(mode=0o700)
    line = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
    make = ("--quick-generate-key", "test@localhost", "ed25519", "sign")
    subprocess.run([*line, *make], capture_output=True, check=True)
    for name, word in (("one.gpg", "--export"), ("two.asc", "--export-secret-keys")):
        done = subprocess.run([*line, word], capture_output=True, check=True)
        (configuration.parent / name).write_bytes(done.stdout)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)

    public, secret = sources.describe_sources(configuration)["keyrings"]

    content = (configuration.parent / "one.gpg").read_bytes()
    assert base64.b64decode(public["content"]) == content
    assert "content" not in secret
