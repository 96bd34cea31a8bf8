"""What sftp brings, by the real program and a real server of files, without ssh between them."""

import logging
import os
import shutil
from pathlib import Path

import pytest

from notebake.errors import PreflightError
from notebake.machines.dataset_sftp import download_by_sftp

PLACES = ("/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server", "/usr/libexec/sftp-server")
IN_BASES = "notebake-sandbox/base-*/usr/lib/openssh/sftp-server"


def find_server() -> str:
    """Return a server of files, this machine's or that of a sandbox's base; or nothing."""
    here = [Path(place) for place in PLACES if Path(place).exists()]
    return str(next(iter([*here, *Path("/var/cache").glob(IN_BASES)]), ""))


SERVER = find_server()
pytestmark = pytest.mark.skipif(
    not (SERVER and shutil.which("sftp")), reason="no sftp, or no server of files"
)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that lies on "a server": sftp starts it itself, in place of ssh."""
    program, folder = tmp_path / "bin" / "sftp", tmp_path / "served"
    program.parent.mkdir()
    folder.mkdir()
    program.write_text(
        f'#!/bin/bash\nset -- "${{@:1:$#-1}}"\ncd {folder}\n'
        f'exec {shutil.which("sftp")} -D {SERVER} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return folder


def names_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("my profiles", "my%20profiles"),
        ("[x]*? of 2020", "%5Bx%5D*%3F%20of%202020"),
        ('say "so" \\ here', "say%20%22so%22%20%5C%20here"),
        ("Ström", "Ström"),
    ],
)
def test_a_folder_may_be_called_anything(
    source: Path, tmp_path: Path, name: str, address: str
) -> None:
    (source / name / "em pty").mkdir(parents=True)
    (source / name / f"f {name}").write_text("x")

    found = download_by_sftp(f"sftp://me@host/{address}", tmp_path)

    assert names_below(found) == ["em pty", f"f {name}"]


def test_a_file_is_a_file(source: Path, tmp_path: Path) -> None:
    (source / "a.nc").write_bytes(b"abc")

    assert download_by_sftp("sftp://me@host/a.nc", tmp_path).read_bytes() == b"abc"


def test_links_are_followed_and_what_leads_nowhere_is_told(
    source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    year, other = source / "year", source / "other"
    (other / "deep").mkdir(parents=True)
    year.mkdir()
    (other / "o").write_text("o")
    (other / "deep" / "link").symlink_to("../o")
    (year / "file").write_text("f")
    (year / "link").symlink_to("file")
    (year / "folder").symlink_to("../other")
    (year / "inner").symlink_to("../other/deep")
    (year / "broken").symlink_to("nowhere")
    os.mkfifo(year / "pipe")

    with caplog.at_level(logging.WARNING):
        found = download_by_sftp("sftp://me@host/year", tmp_path)

    files = {
        name: (found / name).read_text() for name in names_below(found) if (found / name).is_file()
    }
    assert files == {
        "file": "f",
        "folder/deep/link": "o",
        "folder/o": "o",
        "inner/link": "o",
        "link": "f",
    }
    assert f"{year}/broken" in caplog.text
    assert f"{year}/pipe" in caplog.text


def test_links_in_a_circle_end(source: Path, tmp_path: Path) -> None:
    (source / "year").mkdir()
    (source / "year" / "self").symlink_to(".")

    with pytest.raises(PreflightError, match="perhaps in a loop"):
        download_by_sftp("sftp://me@host/year", tmp_path)


def test_names_that_are_no_text_arrive_as_they_are(source: Path, tmp_path: Path) -> None:
    (source / "year").mkdir()
    name = os.fsdecode(b"caf\xe9")
    (source / "year" / name).write_text("x")
    (source / "year" / f"{name}-link").symlink_to(name)

    assert names_below(download_by_sftp("sftp://me@host/year", tmp_path)) == [name, f"{name}-link"]


def test_what_is_not_there_is_named(source: Path, tmp_path: Path) -> None:
    del source
    with pytest.raises(PreflightError, match=r"Fetched /none from host; sftp said: .*not found"):
        download_by_sftp("sftp://me@host/none", tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(source: Path, tmp_path: Path) -> None:
    (source / "year").mkdir()
    (source / "year" / "secret").touch(0o000)

    with pytest.raises(PreflightError, match=r"secret.*Permission denied"):
        download_by_sftp("sftp://me@host/year", tmp_path)


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Host key verification failed.", "compare the key that it shows: sftp sftp://me@host"),
        ("me@host: Permission denied (publickey).", "ssh-add -l"),
        ("Connection refused", "Try: sftp sftp://me@host/year"),
    ],
)
def test_a_refusal_is_told_with_what_to_type(
    source: Path, tmp_path: Path, message: str, hint: str
) -> None:
    (source.parent / "bin" / "sftp").write_text(f"#!/bin/sh\necho '{message}' >&2\nexit 255\n")

    with pytest.raises(PreflightError) as error:
        download_by_sftp("sftp://me@host/year", tmp_path)

    assert message in error.value.message
    assert hint in error.value.hint


def test_a_machine_without_sftp_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PreflightError, match="Could not run sftp"):
        download_by_sftp("sftp://me@host/year", tmp_path)
