"""Downloads by the real sftp program from a real file server, without ssh between them."""

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
def test_a_folder_may_have_any_name(source: Path, tmp_path: Path, name: str, address: str) -> None:
    (source / name / "em pty").mkdir(parents=True)
    (source / name / f"f {name}").write_text("x")

    found = download_by_sftp(f"sftp://me@host/{address}", tmp_path)

    assert names_below(found) == ["em pty", f"f {name}"]


def test_a_single_file_is_downloaded_as_a_file(source: Path, tmp_path: Path) -> None:
    (source / "a.nc").write_bytes(b"abc")

    assert download_by_sftp("sftp://me@host/a.nc", tmp_path).read_bytes() == b"abc"


def test_links_are_followed_and_broken_ones_are_reported(
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


def test_circular_links_end_the_walk(source: Path, tmp_path: Path) -> None:
    (source / "year").mkdir()
    (source / "year" / "self").symlink_to(".")

    with pytest.raises(PreflightError, match="perhaps in a loop"):
        download_by_sftp("sftp://me@host/year", tmp_path)


def test_names_that_are_not_utf_8_are_kept(source: Path, tmp_path: Path) -> None:
    (source / "year").mkdir()
    name = os.fsdecode(b"caf\xe9")
    (source / "year" / name).write_text("x")
    (source / "year" / f"{name}-link").symlink_to(name)

    assert names_below(download_by_sftp("sftp://me@host/year", tmp_path)) == [name, f"{name}-link"]


def test_a_missing_path_is_named(source: Path, tmp_path: Path) -> None:
    del source
    with pytest.raises(PreflightError, match=r"Fetched /none from host; sftp printed: .*not found"):
        download_by_sftp("sftp://me@host/none", tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(source: Path, tmp_path: Path) -> None:
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
def test_a_refusal_names_the_command_to_type(
    source: Path, tmp_path: Path, message: str, hint: str
) -> None:
    (source.parent / "bin" / "sftp").write_text(f"#!/bin/sh\necho '{message}' >&2\nexit 255\n")

    with pytest.raises(PreflightError) as error:
        download_by_sftp("sftp://me@host/year", tmp_path)

    assert message in error.value.message
    assert hint in error.value.hint


def test_a_host_without_sftp_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PreflightError, match="Could not run sftp"):
        download_by_sftp("sftp://me@host/year", tmp_path)
