"""Serves a folder as an archive does, on loopback or for hosts, and fails where it is asked to."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote, urlsplit

from sandbox.archives.upstream import Upstream

JSON_INDEX = "application/vnd.pypi.simple.v1+json"
"""https://packaging.python.org/en/latest/specifications/simple-repository-api/"""


@dataclass(frozen=True)
class ArchiveFault:
    """What the server does wrong at the paths that fit a pattern of the shell."""

    pattern: str
    status: int = 200
    content: bytes | None = None
    """Served instead of the file; None: what `changed` makes of the file."""
    changed: Callable[[bytes], bytes] = bytes
    hangs: bool = False
    drops: bool = False
    """Whether the connection is closed without an answer."""
    times: int | None = None
    """How often at one path; None: always."""
    after: int = 0
    """So many requests of the path are answered rightly before."""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class ArchiveServer:
    """A server of one folder, from entering it until leaving it."""

    folder: Path
    address: str = "127.0.0.1"
    faults: list[ArchiveFault] = field(default_factory=list)
    upstream: Upstream | None = None
    """Where pages of an index are asked for that the folder does not have."""
    requested: list[str] = field(default_factory=list)
    """The paths in the order of the requests."""
    injected: list[str] = field(default_factory=list)
    """Those of them at which it did something wrong."""

    def __enter__(self) -> "ArchiveServer":
        self.ending = threading.Event()
        archive = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                archive.answer(self)

            def do_HEAD(self) -> None:
                archive.answer(self)

            def log_message(self, *_: object) -> None:
                """Keep silent; the paths are kept."""

        self.http = ThreadingHTTPServer((self.address, 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ending.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        """Where the folder is served."""
        return f"http://{self.address}:{self.http.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        path = unquote(urlsplit(request.path).path)
        self.requested.append(path)
        fault = next((each for each in self.faults if self.is_due(each, path)), None)
        if fault:
            self.injected.append(path)
        if fault and (fault.hangs or fault.drops):
            self.ending.wait(None if fault.hangs else 0)
            request.close_connection = True
            return
        if self.upstream:
            self.upstream.keep_page(self.folder, path)
        file, kind = self.find_file(path, request.headers.get("Accept", ""))
        found = file.read_bytes() if file.is_file() else None
        if fault and (fault.content is not None or fault.status != HTTPStatus.OK):
            send(request, fault.status, fault.content or b"", kind, fault.headers)
        elif found is None:
            send(request, HTTPStatus.NOT_FOUND, b"<html>not found</html>", "text/html")
        else:
            send(request, HTTPStatus.OK, fault.changed(found) if fault else found, kind)

    def is_due(self, fault: ArchiveFault, path: str) -> bool:
        """Return whether a fault takes place at a path now."""
        is_left = fault.times is None or self.injected.count(path) < fault.times
        has_begun = self.requested.count(path) > fault.after
        return is_left and has_begun and fnmatchcase(path, fault.pattern)

    def find_file(self, path: str, accepted: str) -> tuple[Path, str]:
        """Return the file at a path with its type; of an index in JSON if the client accepts it."""
        file = (self.folder / path.lstrip("/")).resolve()
        if not file.is_relative_to(self.folder.resolve()):
            return self.folder / "none", "text/html"
        if not file.is_dir():
            return file, "application/octet-stream"
        is_json = JSON_INDEX in accepted and (file / "index.json").is_file()
        name, kind = ("index.json", JSON_INDEX) if is_json else ("index.html", "text/html")
        return file / name, kind


def send(
    request: BaseHTTPRequestHandler,
    status: int,
    content: bytes,
    kind: str,
    headers: tuple[tuple[str, str], ...] = (),
) -> None:
    """Send an answer that no client may keep without asking again."""
    try:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.send_header("Cache-Control", "no-cache")
        for name, value in headers:
            request.send_header(name, value)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(content)
    except (BrokenPipeError, ConnectionResetError):
        request.close_connection = True
