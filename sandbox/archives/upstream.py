"""An index elsewhere, of which each page is kept as it was when it was first asked for.

So an index in a folder has what the world has, and only a test changes it.
"""

import json
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

from sandbox.archives.index_pages import write_page

JSON_INDEX = "application/vnd.pypi.simple.v1+json"
PAGE = re.compile(r"/simple/(?P<project>[a-z0-9-]+)/?")
ANSWER_SECONDS = 60


class Upstream:
    """An index at the address of its list of projects, where PEP 691 is spoken."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.lock = threading.Lock()

    def keep_page(self, folder: Path, path: str) -> None:
        """Write the page of a project into the folder, unless it is there or there is none."""
        found = PAGE.fullmatch(path)
        if not found:
            return
        page = folder / "simple" / found["project"]
        with self.lock:
            if page.exists():
                return
            if files := self.fetch(found["project"]):
                page.mkdir(parents=True)
                write_page(page, files, "")

    def fetch(self, project: str) -> dict[str, object] | None:
        """Return a page with whole addresses; None if the index does not have the project."""
        address = f"{self.url}/{project}/"
        request = urllib.request.Request(address, headers={"Accept": JSON_INDEX})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                found: dict[str, object] = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        for file in found["files"]:  # type: ignore[attr-defined]
            file["url"] = urljoin(address, file["url"])
        return found
