"""PyPI and Debian's tracker on this machine, in their own protocols, for the real programs."""

import datetime
import json
import ssl
import threading
import zlib
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "pypi.org"
CONTROL = "/pypi/flask/0.5/json"
Advisories = list[dict[str, Any]]


def advisory(name: str, *aliases: str, fixed: Sequence[str] = (), **more: str) -> dict[str, Any]:
    """Return an entry of `vulnerabilities` (https://docs.pypi.org/api/json/)."""
    return {
        "id": name,
        "aliases": [*aliases],
        "details": "Somebody may do something.",
        "fixed_in": [*fixed],
        "link": f"https://osv.dev/vulnerability/{name}",
        "source": "osv",
        "summary": None,
        "withdrawn": None,
        **more,
    }


class FakePyPI:
    """A proxy behind which pypi.org is: it answers the JSON API as it is told."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "pypi.pem"
        self.answers: dict[str, tuple[int, Any]] = {
            CONTROL: (200, {"vulnerabilities": [advisory("PYSEC-2018-66", fixed=["0.12.3"])]})
        }
        """Status and document by path."""
        self.requested: list[str] = []
        fake, context = self, make_certificate(self.certificate)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_CONNECT(self) -> None:
                self.send_response_only(200)
                self.end_headers()
                self.request = self.connection = context.wrap_socket(self.request, server_side=True)
                self.setup()
                self.close_connection = False

            def finish(self) -> None:
                super().finish()
                self.connection.close()

            def do_GET(self) -> None:
                fake.requested.append(self.path)
                status, document = fake.answers.get(self.path, (404, {"message": "Not Found"}))
                body = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response_only(status, "As told")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep silent; the paths are kept."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """What leads a program to it."""
        proxy = f"http://127.0.0.1:{self.http.server_address[1]}"
        return {
            **{name: proxy for name in ("HTTPS_PROXY", "https_proxy")},
            "REQUESTS_CA_BUNDLE": str(self.certificate),
            "PIP_AUDIT_VULNERABILITY_SERVICE": "pypi",
        }

    def publish(self, name: str, version: str, *advisories: dict[str, Any]) -> None:
        """Have a release, with these advisories."""
        self.answers[f"/pypi/{name}/{version}/json"] = (200, {"vulnerabilities": [*advisories]})


def make_certificate(path: Path) -> ssl.SSLContext:
    """Write a certificate of pypi.org that vouches for itself; return what serves it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, *plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def tracker_data(
    names: Sequence[str], packages: Sequence[str], built: Mapping[str, Sequence[str]]
) -> bytes:
    """Return data as debsecan reads them (debsecan 0.4.20.1, fetch_data()).

    A line of a package: its name, the number of the vulnerability, flags (source or binary,
    urgency, remote, fixed), the version fixed in unstable, and those fixed elsewhere.
    """
    lines = ["VERSION 1", *(f"{name},,Something, and more" for name in names), ""]
    lines += [*packages, "", *(f"{one},{' '.join(many)}" for one, many in built.items()), ""]
    return zlib.compress("".join(f"{line}\n" for line in lines).encode())
