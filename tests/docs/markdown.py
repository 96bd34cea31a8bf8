"""Documents as a code host shows them: headings, links, tables and code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
SHOWN_IN_OTHER_HOMES = "repositories"
"""Documents below such a folder belong to a repository of their own."""


@dataclass(frozen=True)
class Document:
    """One document, parsed."""

    path: Path
    tokens: tuple[Token, ...]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    def code_blocks(self) -> list[tuple[str, str]]:
        """Return the language and the text of each code block; "" where no language is named."""
        blocks = (each for each in self.tokens if each.type in {"fence", "code_block"})
        return [(each.info.strip(), each.content) for each in blocks]

    def inline(self, kind: str) -> Iterator[Token]:
        """Give the tokens of a kind inside paragraphs, tables and headings."""
        for token in self.tokens:
            yield from (child for child in token.children or () if child.type == kind)

    def code_words(self) -> list[str]:
        """Return what stands between backticks."""
        return [token.content for token in self.inline("code_inline")]

    def links(self) -> list[str]:
        """Return the targets of links and pictures."""
        hrefs = [str(token.attrs["href"]) for token in self.inline("link_open")]
        return hrefs + [str(token.attrs["src"]) for token in self.inline("image")]

    def anchors(self) -> set[str]:
        """Return the anchors that a code host gives to the headings."""
        titles = (
            self.tokens[number + 1].content
            for number, token in enumerate(self.tokens)
            if token.type == "heading_open"
        )
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    def rows(self) -> list[list[str]]:
        """Return the cells of each row of each table, headings left out."""
        found: list[list[str]] = []
        is_body = False
        for number, token in enumerate(self.tokens):
            is_body = is_body if token.type not in {"tbody_open", "tbody_close"} else not is_body
            if token.type == "tr_open" and is_body:
                found.append([])
            elif token.type == "td_open":
                found[-1].append(self.tokens[number + 1].content)
        return found


@cache
def read(name: str) -> Document:
    """Return a document by its path below the project."""
    path = ROOT / name
    parser = MarkdownIt("commonmark").enable("table")
    return Document(path, tuple(parser.parse(path.read_text(encoding="utf-8"))))


@cache
def documents() -> tuple[Document, ...]:
    """Return every document of the project."""
    folders = ("docs", "deployments", "sandbox", "tests", "benchmarks")
    below = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.md"))]
    ours = [path for path in below if SHOWN_IN_OTHER_HOMES not in path.parts]
    return tuple(read(str(path.relative_to(ROOT))) for path in (*sorted(ROOT.glob("*.md")), *ours))


def names() -> list[str]:
    """Return the names of all documents, for tests that look at each."""
    return [each.name for each in documents()]


def section(name: str, heading: str) -> str:
    """Return the text of a document below a heading of the second level."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
