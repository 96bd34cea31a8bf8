"""A project's page of a package index, as JSON or as HTML.

https://packaging.python.org/en/latest/specifications/simple-repository-api/
"""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

JSON = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON}, text/html;q=0.1"


def fetch_files(client: httpx.Client, index: str, name: str) -> list[Mapping[str, Any]]:
    """Return the files of a project with the keys of the JSON form.

    Raises:
        httpx.HTTPError: the index does not answer with a page.
        ValueError: the page lists no file.
    """
    answer = client.get(f"{index}/{name}/", headers={"Accept": ACCEPT})
    answer.raise_for_status()
    if "json" in answer.headers.get("Content-Type", ""):
        files: list[Mapping[str, Any]] = answer.json()["files"]
    else:
        page = Links()
        page.feed(answer.text)
        files = page.files
    if not files:
        raise ValueError("the page lists no file")
    return files


class Links(HTMLParser):
    """Collects the files that an HTML page links to; it has no time of their upload."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[Mapping[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the file of one link."""
        known = dict(attrs)
        if tag == "a" and (address := known.get("href")):
            self.files.append(
                {
                    "filename": unquote(urlsplit(address).path.rpartition("/")[2]),
                    "requires-python": known.get("data-requires-python"),
                    "yanked": "data-yanked" in known,
                }
            )
