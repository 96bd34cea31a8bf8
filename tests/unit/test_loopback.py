"""Requests to this machine never use a proxy; requests elsewhere do."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import ClassVar
from unittest.mock import patch
from urllib.request import getproxies, proxy_bypass

import httpx
import pytest
from websockets.proxy import get_proxy
from websockets.uri import parse_uri

from notebake.aws.clients import connect
from notebake.errors import NotebakeError
from notebake.jupyter.checks import check_server
from notebake.local.loopback import bypass_proxy_for_loopback, is_loopback, proxies_known_to_httpx
from tests.limits import HANG_SECONDS
from tests.unit.test_jupyter_server import TOKEN, Jupyter, serving

ROOT = Path(__file__).parents[2]
SPELLINGS = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
NAMES = (*SPELLINGS, "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def _own_variables() -> Iterator[None]:
    """Keep what `bypass_proxy_for_loopback` adds to the environment from all later tests."""
    with patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


class Recorder(StreamRequestHandler):
    """A proxy that leads nowhere, and notes what is asked of it, be it HTTP or socks."""

    seen: ClassVar[list[str]]

    def handle(self) -> None:
        self.seen.append(self.request.recv(65536).decode(errors="replace"))
        self.wfile.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A recording proxy: its address, and what it has seen."""

    class Handler(Recorder):
        seen: ClassVar[list[str]] = []

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", Handler.seen
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://127.8.8.8", True),
        ("http://localhost:4200/api", True),
        ("http://bucket.localhost", True),
        ("http://[::1]:4566", True),
        ("https://ec2.us-west-2.amazonaws.com", False),
        ("http://localhost.example.org", False),
        ("http://10.0.0.1", False),
        ("127.0.0.1:4566", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_loopback_urls_are_recognised(url: str, expected: bool) -> None:
    assert is_loopback(url) == expected


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    "scheme", ["", "http://", "https://", "socks5://", "socks5h://", "socks://"]
)
def test_the_token_is_not_sent_to_a_proxy(
    spelling: str, scheme: str, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, seen = proxy
    monkeypatch.setenv(spelling, scheme + address.removeprefix("http://"))

    with serving(Jupyter()) as port:
        assert check_server(port, TOKEN) == "2.17.0"

    assert seen == []


def test_the_recording_proxy_receives_requests_by_default(
    proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, seen = proxy
    monkeypatch.setenv("HTTP_PROXY", address)
    assert httpx.get("http://127.0.0.1:8888/api/status").status_code == 503
    assert len(seen) == 1


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("no_proxy", [None, "", "example.org, .corp", "*", "localhost", "[::1]"])
@pytest.mark.parametrize("small", [True, False])
def test_no_proxy_is_extended_by_loopback_addresses(
    spelling: str, no_proxy: str | None, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(spelling, "http://proxy.example.org:3128")
    if no_proxy is not None:
        monkeypatch.setenv("no_proxy" if small else "NO_PROXY", no_proxy)

    bypass_proxy_for_loopback()

    for host in ("127.0.0.1:4566", "localhost:4200", "127.0.0.1"):
        assert proxy_bypass(host)
        assert get_proxy(parse_uri(f"ws://{host}/")) is None
    with httpx.Client() as client:
        for url in ("http://127.0.0.1:4566", "http://localhost:1", "http://[::1]:1"):
            assert client._transport_for_url(httpx.URL(url)) is client._transport
    is_elsewhere_direct = no_proxy == "*"
    assert bool(proxy_bypass("ec2.us-west-2.amazonaws.com")) == is_elsewhere_direct
    for name in ("example.org", "www.corp"):
        assert bool(proxy_bypass(name)) == (no_proxy in ("*", "example.org, .corp"))


def test_without_proxies_the_environment_is_unchanged() -> None:
    variables = {"PATH": "/bin", "http_proxy": ""}
    bypass_proxy_for_loopback(variables)
    assert variables == {"PATH": "/bin", "http_proxy": ""}


@pytest.mark.parametrize("endpoint", ["127.0.0.1", "localhost", "[::1]", "127.0.0.2"])
@pytest.mark.parametrize("spelling", ["HTTP_PROXY", "http_proxy"])
def test_a_local_cloud_is_called_without_a_proxy(
    endpoint: str, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(spelling, "http://proxy.example.org:3128")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{endpoint}:9")
    connect.cache_clear()
    try:
        assert connect("ec2", "us-west-2")._endpoint.http_session._proxy_config._proxies == {}
    finally:
        connect.cache_clear()


@pytest.mark.parametrize("spelling", ["HTTPS_PROXY", "https_proxy"])
def test_aws_is_called_through_the_proxy(
    spelling: str, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, seen = proxy
    monkeypatch.setenv(spelling, address)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    bypass_proxy_for_loopback()
    connect.cache_clear()
    try:
        with pytest.raises(Exception, match="proxy"):
            connect("ec2", "us-west-2", tries=1).describe_instances()
    finally:
        connect.cache_clear()
    assert seen
    assert all(request.startswith("CONNECT ec2.us-west-2.amazonaws.com:443 ") for request in seen)


@pytest.mark.parametrize(
    "value",
    ["socks5://h:1", "socks5h://h:1", "socks://h:1", "socks4://h:1", "http://h:port", "http://[h"],
)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_proxy_unsupported_by_httpx_is_ignored_by_httpx_only(
    value: str, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(spelling, value)
    monkeypatch.setenv("NO_PROXY", "fd00::/8,10.0.0.0/8")

    usable = proxies_known_to_httpx(os.environ)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name in NAMES:
        if name in usable:
            monkeypatch.setenv(name, usable[name])

    assert not getproxies().keys() & {"http", "https", "all"}
    assert usable[spelling.upper()] == value
    assert usable["NO_PROXY"] == "10.0.0.0/8"
    httpx.Client().close()


def test_a_proxy_that_can_be_used_stays() -> None:
    given = {"https_proxy": "http://user:secret@proxy:3128", "HTTP_PROXY": "proxy", "A": "b"}
    assert proxies_known_to_httpx(given) == given


@pytest.mark.parametrize("scheme", ["socks5", "socks"])
def test_an_unsupported_proxy_gives_a_short_error(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notebake.machines.worker_address import address_seen_by_amazon
    from notebake.preflight.datasets import check_http_source
    from notebake.preflight.finding import CheckResult
    from notebake.recipe import Dataset

    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:1")
    dataset = Dataset(name="sst", source="https://example.org/sst.nc", path="/data/sst.nc")

    assert check_http_source(dataset, is_public=True).verdict is CheckResult.NOT_CHECKED
    with pytest.raises(NotebakeError, match="worker's address"):
        address_seen_by_amazon()


@pytest.mark.parametrize("value", ["http://127.0.0.1:3", "socks5://127.0.0.1:3"])
def test_the_sandbox_calls_its_own_server_without_a_proxy(value: str, tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from http.server import BaseHTTPRequestHandler, HTTPServer
import threading
from sandbox.control import server_process
from sandbox.home import Home

class Fine(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

server = HTTPServer(("127.0.0.1", 0), Fine)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server_process.answers(Home(Path(sys.argv[1]), server.server_port - 4566)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "http_proxy": value, "ALL_PROXY": value},
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_SECONDS,
    )
    assert done.stdout.strip() == "True"
