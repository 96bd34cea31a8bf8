"""The units of systemd and the proxy's configuration, judged by their own programs."""

import http.server
import re
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notebake.project import PROJECT
from notebake.waiting import wait_until
from tests.limits import HANG_SECONDS
from tests.shared.server import UNITS, command_of, example_file, variables_of

NGINX = PROJECT / "deployments" / "nginx" / "prefect.conf"
PROGRAM = shutil.which("nginx") or shutil.which(PROJECT / ".venv/nginx/usr/sbin/nginx")
NAMES = ("notebake-prefect.service", "notebake-worker@.service")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
@pytest.mark.parametrize("name", NAMES)
def test_systemd_has_nothing_to_say_against_the_unit(name: str, tmp_path: Path) -> None:
    """It looks for the programs, too, so the project has its place of this machine."""
    text = (UNITS / name).read_text()
    (tmp_path / name).write_text(text.replace("/opt/notebake", str(PROJECT)))

    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", NAMES)
def test_no_unit_holds_a_password_or_an_address_beyond_this_machine(name: str) -> None:
    text = (UNITS / name).read_text()
    assert "AUTH_STRING" not in text
    assert re.search(r"^EnvironmentFile=/etc/notebake/\w+\.env$", text, re.MULTILINE)
    assert "0.0.0.0" not in text  # noqa: S104
    assert "--host" not in text
    assert variables_of(name)["DO_NOT_TRACK"] == "1"


def test_the_examples_name_one_password_and_the_run_store_of_several_machines() -> None:
    server, worker = example_file("prefect.env"), example_file("worker.env")
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == worker["PREFECT_API_AUTH_STRING"]
    assert worker["NOTEBAKE_RUNS"].startswith("s3://")


def test_a_worker_that_is_stopped_tells_its_flow_runs_first() -> None:
    command = command_of("notebake-worker@.service", "ExecStop")
    assert command[1:] == ["-m", "deployments.worker", "end-flow-runs", "${MAINPID}"]
    # A worker of its own: a shell with a child that ends when it is told to.
    with subprocess.Popen(["sh", "-c", "sleep 600; exit 7"]) as worker:
        try:
            wait_until(
                lambda: Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text() or None,
                what="the child",
                timeout_seconds=HANG_SECONDS,
            )
            done = subprocess.run(
                [*command[:-1], str(worker.pid)], cwd=PROJECT, check=False, timeout=HANG_SECONDS
            )
            assert done.returncode == 0
            assert worker.wait(HANG_SECONDS) == 7, "the worker itself saw it end"
        finally:
            worker.kill()


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(self.headers).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configuration(folder: Path, port: int, upstream: int) -> Path:
    """Write the configuration with another port, another certificate, and the main part."""
    pem, key = folder / "prefect.pem", folder / "prefect.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(pem)]
    subprocess.run(command, capture_output=True, check=True)
    site = NGINX.read_text()
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("listen [::]:443 ssl;", ""),
        ("prefect.example.org", "localhost"),
        ("/etc/ssl/certs/prefect.pem", str(pem)),
        ("/etc/ssl/private/prefect.key", str(key)),
        ("http://127.0.0.1:4200", f"http://127.0.0.1:{upstream}"),
    ):
        assert old in site
        site = site.replace(old, new)
    whole = folder / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi")
    )
    temporary += f"uwsgi_temp_path {folder}/uwsgi;\nscgi_temp_path {folder}/scgi;\n"
    whole.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{site}}}\n"
    )
    return whole


@pytest.mark.skipif(not PROGRAM, reason="there is no nginx here: make nginx")
def test_nginx_gives_prefect_tls(tmp_path: Path) -> None:
    port = free_port()
    with answering() as upstream:
        path = configuration(tmp_path, port, upstream)
        words = [str(PROGRAM), "-c", str(path), "-p", str(tmp_path), "-e", "stderr"]
        judged = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stderr
        assert "warn" not in judged.stderr
        with subprocess.Popen(words, stderr=subprocess.DEVNULL) as nginx:
            try:
                printed = asked(port, tmp_path / "prefect.pem")
            finally:
                nginx.terminate()
                nginx.wait(HANG_SECONDS)
    headers = printed.splitlines()
    assert "Host: localhost" in headers
    assert "X-Forwarded-Proto: https" in headers
    assert "Upgrade: websocket" in headers
    assert "Connection: upgrade" in headers


def asked(port: int, certificate: Path) -> str:
    """Return the answer to a request by TLS, as soon as there is one."""
    trusted = ssl.create_default_context(cafile=str(certificate))
    request = urllib.request.Request(
        f"https://localhost:{port}/api/health", headers={"Upgrade": "websocket"}
    )
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted)
    )

    def answer() -> str | None:
        try:
            with opener.open(request, timeout=HANG_SECONDS) as response:
                return str(response.read().decode())
        except OSError:
            return None

    return wait_until(answer, what="nginx", timeout_seconds=60)
