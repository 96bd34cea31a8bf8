"""What a host downloads by HTTP, with a real curl and a server that behaves as real ones do."""

import getpass
import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pytest

from notebake.commands import datasets
from notebake.commands.datasets import dataset_is_in_place, fetch_dataset, staging_path
from notebake.recipe import Dataset
from tests.limits import HANG_SECONDS
from tests.preflight_world import serving
from tests.unit.shell_world import ShellWorld, shell_world

CONTENT = bytes(range(256)) * 4000
PACKED = gzip.compress(CONTENT, mtime=0)
HALF = len(CONTENT) // 2
SUBSET = "?sst[(2026-01-01)][(0):1:(10)],{a,b}"
"""How ERDDAP and OPeNDAP are asked for a part of a file."""


@dataclass
class Source:
    """A server, and a host that fetches from it."""

    url: str
    world: ShellWorld
    requests: list[tuple[str, str]] = field(default_factory=list)

    def fetch(self, name: str, *, content: bytes | None = None, path: str = "") -> tuple[int, str]:
        wanted = self.dataset(name, content=content, path=path)
        options = {"user": getpass.getuser(), "records": str(self.world.directory / "records")}
        done = self.world.run(fetch_dataset(wanted, **options))
        is_there = self.world.run(dataset_is_in_place(wanted, records=options["records"]))
        assert (is_there.returncode == 0) == (done.returncode == 0), done.stderr
        if done.returncode != 0:
            assert not Path(wanted.target_path).exists()
        return done.returncode, done.stdout + done.stderr

    def dataset(self, name: str, *, content: bytes | None = None, path: str = "") -> Dataset:
        """Return one with the checksum of this content, if any."""
        place = path or f"{self.world.directory}/data/{name}"
        digest = hashlib.sha256(content).hexdigest() if content is not None else None
        # Without TLS a recipe's dataset needs a checksum; how it comes is the same with it.
        wanted = Dataset(name="ocean", source="https://example.org/x", path="/x", sha256=digest)
        return wanted.model_copy(update={"source": f"{self.url}/{name}", "path": place})

    def kept(self, name: str) -> bytes:
        return (self.world.directory / "data" / name).read_bytes()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    requests: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.split("/")[1]
            requests.append((name, self.headers.get("Range", "")))
            getattr(self, f"give_{name.split('.')[0].replace('-', '_')}")()
            self.close_connection = True

        def give(self, status: int, body: bytes, length: int = -1, **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length < 0 else length))
            for key, value in headers.items():
                self.send_header(key.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def give_ranges(self) -> None:
            found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            begin = int(found[1]) if found else 0
            where = f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}"
            if not found:
                self.give(200, CONTENT[:HALF], length=len(CONTENT), Accept_Ranges="bytes")
            else:
                self.give(206, CONTENT[begin:], Content_Range=where)

        def give_no_ranges(self) -> None:
            first = [address for address, _ in requests].count("no-ranges.nc") == 1
            self.give(200, CONTENT[:HALF] if first else CONTENT, length=len(CONTENT))

        def give_silence(self) -> None:
            over.wait(HANG_SECONDS)

        def give_moved(self) -> None:
            self.give(302, b"", Location="/whole.nc")

        def give_elsewhere(self) -> None:
            self.give(302, b"", Location="ftp://example.org/whole.nc")

        def give_whole(self) -> None:
            self.give(200, CONTENT)

        def give_subset(self) -> None:
            self.give(200, CONTENT if self.path.endswith(SUBSET) else b"")

        def give_missing(self) -> None:
            self.give(404, b"<html>nothing</html>", Content_Type="text/html")

        def give_closed(self) -> None:
            self.give(403, b"no")

        def give_packed(self) -> None:
            self.give(200, PACKED, Content_Encoding="gzip", Content_Type="text/csv")

        def give_short(self) -> None:
            self.give(200, CONTENT[:HALF], length=len(CONTENT))

        def give_login(self) -> None:
            self.give(200, b"<html>log in</html>", Content_Type="text/html; charset=utf-8")

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    over = Event()
    with serving(Handler) as url:
        yield Source(url, shell_world(tmp_path), requests)
        over.set()


@pytest.mark.parametrize("name", ["ranges.nc", "no-ranges.nc"])
def test_an_interrupted_download_is_resumed_or_restarted(source: Source, name: str) -> None:
    code, output = source.fetch(name, content=CONTENT)
    assert code != 0
    assert "fewer bytes came than the server had announced" in output
    staged = Path(staging_path(source.dataset(name, content=CONTENT)))
    assert staged.stat().st_size == HALF

    code, output = source.fetch(name, content=CONTENT)

    assert code == 0, output
    assert source.kept(name) == CONTENT
    assert (name, f"bytes={HALF}-") in source.requests
    assert [path.name for path in (source.world.directory / "data").iterdir()] == [name]


def test_a_file_that_changed_during_the_download_is_fetched_again(source: Source) -> None:
    staged = Path(staging_path(source.dataset("ranges.nc", content=CONTENT)))
    staged.parent.mkdir(parents=True)
    staged.write_bytes(b"of an earlier version" * 100)

    code, output = source.fetch("ranges.nc", content=CONTENT)

    # The first answer of all breaks off; by then what was wrong has gone.
    assert (code, "fewer bytes came" in output) == (1, True)
    assert source.fetch("ranges.nc", content=CONTENT)[0] == 0
    assert source.kept("ranges.nc") == CONTENT


def test_redirects_are_followed_but_not_to_another_protocol(source: Source) -> None:
    assert source.fetch("moved.nc", content=CONTENT)[0] == 0
    assert source.kept("moved.nc") == CONTENT

    code, output = source.fetch("elsewhere.nc")

    assert (code, "it redirects from https to http or to another protocol" in output) == (1, True)


@pytest.mark.parametrize("content", [None, CONTENT])
def test_a_server_that_sends_nothing_is_given_up_in_words(
    source: Source, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    assert datasets.SILENCE_SECONDS >= 600, "some prepare a file before they send its first byte"
    monkeypatch.setattr(datasets, "SILENCE_SECONDS", 1)

    code, output = source.fetch("silence.nc", content=content)

    assert code == 1
    assert "the server sent next to nothing for 1 s, or did not accept a connection" in output
    assert len(source.requests) == 1, "each further try may wait as long"


def test_brackets_and_braces_of_an_address_are_sent_as_they_are(source: Source) -> None:
    code, output = source.fetch(f"subset.nc{SUBSET}", path=f"{source.world.directory}/data/sst.nc")

    assert code == 0, output
    assert source.kept("sst.nc") == CONTENT


@pytest.mark.parametrize(("name", "status"), [("missing.nc", "404"), ("closed.nc", "403")])
def test_a_refusal_names_the_address(source: Source, name: str, status: str) -> None:
    for content in (None, CONTENT):
        code, output = source.fetch(name, content=content)

        assert code == 1
        assert f"returned error: {status}" in output
        assert f"download from {source.url}/{name} failed: the server refused" in output


def test_a_truncated_download_is_not_put_in_place(source: Source) -> None:
    code, output = source.fetch("short.nc")

    assert (code, "fewer bytes came than the server had announced" in output) == (1, True)


@pytest.mark.parametrize("content", [None, CONTENT])
def test_a_content_encoding_is_decoded(source: Source, content: bytes | None) -> None:
    assert source.fetch("packed.csv", content=content)[0] == 0

    assert source.kept("packed.csv") == CONTENT


@pytest.mark.parametrize("content", [None, PACKED])
def test_a_compressed_file_stays_compressed(source: Source, content: bytes | None) -> None:
    assert source.fetch("packed.csv.gz", content=content)[0] == 0

    assert source.kept("packed.csv.gz") == PACKED


def test_a_login_page_is_not_a_dataset(source: Source) -> None:
    code, output = source.fetch("login.nc")
    assert (code, "returned a web page (text/html)" in output) == (1, True)

    assert source.fetch("login.html")[0] == 0


def test_a_file_in_a_folder_keeps_its_source_name(source: Source) -> None:
    folder = source.world.directory / "data"
    folder.mkdir()
    (folder / "another.nc").touch()

    code, output = source.fetch("whole.nc?version=2", path=f"{folder}/")

    assert code == 0, output
    assert source.kept("whole.nc") == CONTENT
