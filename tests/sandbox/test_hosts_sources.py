"""Of a machine's package sources only the distribution's own make the base system."""

from pathlib import Path

import pytest

from sandbox.hosts.apt_sources import is_own_stanza, read_sources, stanza_of_line

OWN = """\
Types: deb
URIs: http://archive.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"""


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("deb http://archive.test/ubuntu noble main universe", True),
        ("deb [arch=amd64] http://archive.test/ubuntu noble-security main restricted", True),
        ("deb-src http://archive.test/ubuntu noble main", False),
        ("deb http://archive.test/ubuntu jammy main", False),
        ("deb [signed-by=/etc/apt/keyrings/docker.asc] http://other.test noble stable", False),
        ("deb [signed-by=/usr/share/keyrings/other.gpg] http://other.test noble main", False),
        ("deb http://other.test nodistro main", False),
        ("deb http://other.test noble-pgdg main", False),
        ("this is no entry", False),
    ],
)
def test_one_line_entries_are_told_apart(line: str, own: bool) -> None:
    assert is_own_stanza(stanza_of_line(line), "noble") is own


@pytest.mark.parametrize(
    ("stanza", "own"),
    [
        (OWN, True),
        (OWN.replace("Types: deb", "Types: deb deb-src"), True),
        (OWN + "\nEnabled: no", False),
        (OWN.replace("debian-archive-keyring", "nodesource"), False),
        ("", False),
    ],
)
def test_stanzas_are_told_apart(stanza: str, own: bool) -> None:
    assert is_own_stanza(stanza, "bookworm") is own


def test_all_files_are_read_and_each_source_comes_once(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "own.sources").write_text(f"# ours\n{OWN}\n\n{OWN}\n")
    (folder / "other.sources").write_text("Types: deb\nURIs: http://other.test\nSuites: nodistro\n")
    (folder / "off.list.disabled").write_text("deb http://off.test bookworm main\n")
    (tmp_path / "sources.list").write_text("# deb http://old.test bookworm main\n")
    assert read_sources(tmp_path, "bookworm") == f"{OWN}\n"


def test_a_machine_without_own_sources_has_none(tmp_path: Path) -> None:
    assert read_sources(tmp_path, "bookworm") == ""
