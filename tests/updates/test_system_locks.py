"""Lock files and sources that cannot be used, and indexes of every packing."""

import bz2
import gzip
import lzma
from collections.abc import Callable

import pytest

from notebake.images.updates.archives import index
from notebake.images.updates.system_packages import check_system_packages
from tests.updates.apt_world import AptWorld


def test_an_index_may_not_unpack_without_an_end() -> None:
    packed = gzip.compress(bytes(1_000_000))

    assert len(index.unpack(packed, index.OPENERS[".gz"], 1_000_000)) == 1_000_000
    with pytest.raises(EOFError, match="longer than 999999"):
        index.unpack(packed, index.OPENERS[".gz"], 999_999)


@pytest.mark.parametrize("end", [".gz", ".xz", ".bz2"])
def test_an_index_in_several_streams_is_read_whole(end: str) -> None:
    packers: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress
    }  # fmt: skip
    packed = packers[end](b"one") + packers[end](b"two")

    assert index.unpack(packed, index.OPENERS[end], 99) == b"onetwo"
    with pytest.raises(EOFError):
        index.unpack(packed[:-5], index.OPENERS[end], 99)


@pytest.mark.parametrize(
    ("packages", "sources", "expected"),
    [
        (None, b"{}", "The run kept no apt-packages.json."),
        (b"{}", None, "The run kept no apt-sources.json."),
        (b"[]", b"{}", "not what notebake writes"),
        (b"{", b"{}", "cannot be read"),
        (b"{}", b"{}", "not what notebake writes"),
        (b'{"architecture": "amd64", "packages": [], "notes": ["dpkg: x"]}', b"{}", "dpkg: x"),
    ],
)
def test_a_run_without_usable_locks_is_not_checked(
    packages: bytes | None, sources: bytes | None, expected: str
) -> None:
    for finding in check_system_packages(packages, sources):
        assert finding.state == "not checked"
        assert expected in finding.reason


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("deb file:/srv/archive stable main", "file:/srv/archive is nothing that"),
        ("deb cdrom:[Tide] stable main", "cdrom:[Tide] is nothing that"),
        ("deb mirror+file:/etc/gone stable main", "did not keep the list of mirrors /etc/gone"),
        ("deb [signed-by=/gone.gpg] http://127.0.0.1:9 stable main", "keyring /gone.gpg"),
        ("something else", "is not a source as apt writes it"),
        ("deb-src http://127.0.0.1:9 stable main", "no source of binary packages"),
    ],
)
def test_a_source_that_cannot_be_fetched_from_is_named(
    line: str, expected: str, world: AptWorld
) -> None:
    world.sources["sources"] = {"/etc/apt/sources.list": [line]}
    for ring in world.sources["keyrings"]:
        ring["path"] = "/etc/apt/trusted.gpg.d/sandbox.gpg"

    security, system = world.check()

    assert (security.state, system.state) == ("not checked", "not checked")
    assert expected in system.reason
