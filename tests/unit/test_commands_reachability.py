"""The check of outgoing connections, with real sockets: each obstacle is named."""

import datetime
import ipaddress
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from notebake.commands.reachability import CHECK_REACHABLE

WHAT = "the index of Python packages"


def reach(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Ask once, in an environment with nothing but this."""
    known = {"PATH": os.environ["PATH"], "reach_seconds": "0", **environment}
    return subprocess.run(
        ["bash", "-c", f'{CHECK_REACHABLE}\ncheck_reachable "$@"', "bash", WHAT, *words],
        env=known,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def served(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Let this answer each connection to a port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def says(text: str) -> Callable[[socket.socket], None]:
    """Return what reads a request and gives this answer."""

    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(f"{text}\r\n\r\n".encode())

    return answer


def test_an_address_that_answers_is_reachable() -> None:
    with served(lambda _: None) as port:
        done = reach("all", f"http://127.0.0.1:{port}/simple")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_closed_port_is_named_with_what_was_tried() -> None:
    done = reach("all", "http://127.0.0.1:1/simple")
    assert done.returncode == 1
    assert "http://127.0.0.1:1: no connection to 127.0.0.1:1" in done.stderr
    assert "Connection refused" in done.stderr
    assert f"cannot reach {WHAT}" in done.stderr.splitlines()[-1]


def test_a_name_without_an_address_is_named() -> None:
    done = reach("all", "https://nobody.invalid/simple")
    assert done.returncode == 1
    assert "https://nobody.invalid: no address for nobody.invalid" in done.stderr


def test_any_needs_one_reachable_address_and_all_needs_every_one() -> None:
    with served(lambda _: None) as port:
        urls = ("http://127.0.0.1:1/a", f"http://127.0.0.1:{port}/b")
        assert reach("any", *urls).returncode == 0
        assert reach("all", *urls).returncode == 1


def test_without_addresses_nothing_is_checked() -> None:
    assert reach("any").returncode == 0


def test_the_machine_s_proxy_is_used_and_its_password_is_hidden() -> None:
    with served(says("HTTP/1.1 403 Forbidden by policy")) as port:
        proxy = f"http://me:secret@127.0.0.1:{port}"
        done = reach("all", "https://nobody.invalid/simple", https_proxy=proxy)
    assert done.returncode == 1
    assert f"the proxy 127.0.0.1:{port} answers: HTTP/1.1 403 Forbidden by policy" in done.stderr
    assert "secret" not in done.stderr


def test_a_working_proxy_makes_an_address_reachable() -> None:
    with served(says("HTTP/1.1 200 Connection established")) as port:
        proxy = f"http://127.0.0.1:{port}"
        assert reach("all", "https://nobody.invalid/", https_proxy=proxy).returncode == 0


def test_a_404_answer_counts_as_reachable() -> None:
    with served(says("HTTP/1.1 404 Not Found")) as port:
        proxy = f"http://127.0.0.1:{port}"
        assert reach("all", "http://nobody.invalid/x", http_proxy=proxy).returncode == 0


def test_an_unreachable_proxy_is_named() -> None:
    done = reach("all", "https://nobody.invalid/", https_proxy="http://127.0.0.1:1")
    assert "by the proxy 127.0.0.1:1" in done.stderr
    assert "Connection refused" in done.stderr


def test_a_host_that_needs_no_proxy_is_reached_directly() -> None:
    with served(lambda _: None) as port:
        done = reach(
            "all",
            f"http://127.0.0.1:{port}/",
            http_proxy="http://127.0.0.1:1",
            no_proxy="127.0.0.1",
        )
    assert done.returncode == 0, done.stderr


def test_a_host_that_ends_the_connection_before_tls_is_named() -> None:
    with served(lambda _: None) as port:
        done = reach("all", f"https://127.0.0.1:{port}/")
    assert done.returncode == 1
    assert "127.0.0.1 does not answer over TLS" in done.stderr


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of an authority that nobody knows, valid for a day."""
    folder = tmp_path_factory.mktemp("certificate")
    words = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    named = ["-keyout", str(folder / "key"), "-out", str(folder / "crt")]
    more = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(["openssl", "req", *words, *named, *more], check=True, capture_output=True)
    return folder


def over_tls(folder: Path) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "crt", folder / "key")

    def answer(connection: socket.socket) -> None:
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            return

    return answer


def test_an_untrusted_certificate_counts_as_reachable(certificate: Path) -> None:
    with served(over_tls(certificate)) as port:
        assert reach("all", f"https://127.0.0.1:{port}/").returncode == 0


def test_a_clock_that_is_behind_is_named_by_what_it_does_to_a_certificate(
    certificate: Path, tmp_path: Path
) -> None:
    """The same as a certificate of the future for a machine whose clock is right."""
    key = load_pem_private_key((certificate / "key").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begins = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, SHA256())
    )
    (tmp_path / "crt").write_bytes(made.public_bytes(Encoding.PEM))
    (tmp_path / "key").write_bytes((certificate / "key").read_bytes())
    with served(over_tls(tmp_path)) as port:
        done = reach("all", f"https://127.0.0.1:{port}/", SSL_CERT_FILE=str(tmp_path / "crt"))
    assert "is not valid yet by this machine's clock" in done.stderr


@pytest.mark.parametrize("proxy", ["gopher://127.0.0.1:port", "http://[::1", "squid"])
def test_an_unrecognised_proxy_answer_gives_no_traceback(proxy: str) -> None:
    done = reach("all", "https://nobody.invalid/", https_proxy=proxy)
    assert "Traceback" not in done.stderr
    assert "within" not in done.stderr
