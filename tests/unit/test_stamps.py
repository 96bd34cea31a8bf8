"""Stamps of checkpoints, by an authority that openssl plays on loopback and verifies itself."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.runs.run_record import record_place
from notebake.runs.stamps import VARIABLE
from tests.json_documents import document
from tests.recorded_runs import write_sealed

CONFIGURATION = """\
[tsa]
default_tsa = it
[it]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
[extensions]
extendedKeyUsage = critical,timeStamping
"""
REQUESTS = "application/timestamp-query"


def openssl(*words: object) -> None:
    command = ["openssl", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


class Authority:
    """A time-stamping authority with a root of its own."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder, self.asked, self.is_broken = folder / name, 0, False
        self.folder.mkdir()
        self.configuration = self.folder / "ts.cnf"
        self.configuration.write_text(CONFIGURATION.format(folder=self.folder), encoding="utf-8")
        (self.folder / "serial").write_text("01\n", encoding="utf-8")
        self.roots = self.folder / "root.pem"
        new_key = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl(*new_key, "-x509", "-days", "3650", "-subj", f"/CN={name} root",
                "-keyout", self.folder / "root.key", "-out", self.roots)  # fmt: skip
        openssl(*new_key, "-subj", f"/CN={name}", "-keyout", self.folder / "key.pem",
                "-out", self.folder / "request.pem")  # fmt: skip
        openssl("x509", "-req", "-in", self.folder / "request.pem", "-CA", self.roots,
                "-CAkey", self.folder / "root.key", "-days", "3650", "-set_serial", "2",
                "-extfile", self.configuration, "-extensions", "extensions",
                "-out", self.folder / "certificate.pem")  # fmt: skip

    def answer(self, question: bytes) -> bytes:
        self.asked += 1
        (self.folder / "question").write_bytes(question)
        openssl("ts", "-reply", "-config", self.configuration, "-section", "it",
                "-queryfile", self.folder / "question", "-signer", self.folder / "certificate.pem",
                "-inkey", self.folder / "key.pem", "-out", self.folder / "answer")  # fmt: skip
        return (self.folder / "answer").read_bytes()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    made = Authority(tmp_path)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            is_query = self.headers["Content-Type"] == REQUESTS
            self.send_response(200 if is_query and not made.is_broken else 503)
            self.end_headers()
            self.wfile.write(made.answer(question) if is_query else b"")

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv(VARIABLE, f"http://127.0.0.1:{server.server_port}/tsr")
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    location = str(tmp_path / "runs")
    write_sealed(record_place(location))
    return location


def seal(store: str) -> int:
    return main(["--store", store, "history", "seal"])


def verify(store: str, roots: Path) -> int:
    return main(["--store", store, "history", "verify", "--stamp-roots", str(roots)])


def test_a_checkpoint_is_stamped_and_openssl_takes_the_stamp(
    store: str, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seal(store) == 0

    folder = Path(store, "record/_checkpoints")
    assert authority.asked == 1
    openssl("ts", "-verify", "-data", folder / "00000001.json", "-in", folder / "00000001.tsr",
            "-CAfile", authority.roots)  # fmt: skip
    capsys.readouterr()
    assert verify(store, authority.roots) == 0
    assert "Checkpoint 1 existed on 20" in capsys.readouterr().out
    found = document(
        ["--store", store, "history", "verify", "--stamp-roots", str(authority.roots)], capsys
    )
    assert [stamp["number"] for stamp in found["stamps"]] == [1]


def test_a_stamp_of_something_else_or_of_another_authority_is_a_finding(
    store: str, authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seal(store) == seal(store) == 0
    other = Authority(tmp_path, "other")
    folder = Path(store, "record/_checkpoints")
    first, second = folder / "00000001.tsr", folder / "00000002.tsr"

    assert verify(store, other.roots) == 3
    first.write_bytes(second.read_bytes())
    capsys.readouterr()
    assert verify(store, authority.roots) == 3
    assert "The stamp of checkpoint 1 proves nothing: " in capsys.readouterr().out
    first.write_bytes(b"no stamp")
    assert verify(store, authority.roots) == 3


def test_without_an_answer_the_checkpoint_stays_and_the_error_says_so(
    store: str, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    authority.is_broken = True

    assert seal(store) == 1

    shown = capsys.readouterr()
    assert "Checkpoint 1: 1 run new or changed." in shown.out
    assert "it gave no stamp" in shown.err
    assert "The checkpoint is made." in shown.err
    assert verify(store, authority.roots) == 0
    authority.is_broken = False
    assert seal(store) == 0
    assert sorted(path.name for path in Path(store, "record/_checkpoints").glob("*.tsr")) == [
        "00000002.tsr"
    ]


def test_roots_that_are_none_are_named(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(store, Path(store, "nothing.pem")) == 1

    assert "certificates of the authority in" in capsys.readouterr().err


def test_what_is_missing_for_a_verification_of_stamps_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    store = str(tmp_path / "runs")
    write_sealed(record_place(store), "ocean-1")
    assert main(["--store", store, "history", "seal"]) == 0
    roots = Authority(tmp_path).roots

    assert verify(store, roots) == 0
    assert "No checkpoint is stamped" in capsys.readouterr().out

    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    assert verify(store, roots) == 1
    assert "pip install 'notebake[stamps]'" in capsys.readouterr().err
