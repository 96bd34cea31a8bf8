"""Every link leads somewhere, and every path that a document names exists."""

import re

import pytest

from tests.docs.markdown import ROOT, documents, names, read

FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()}
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
ROOTED = ("ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "docs/")
"""Documents that name every module by its whole path."""


def is_path(text: str) -> bool:
    """Tell whether a word between backticks is a path of this project."""
    if not PATH.fullmatch(text):
        return False
    return text.split("/")[0] in FOLDERS if "/" in text else text.endswith((".py", ".md"))


@pytest.mark.parametrize("name", names())
def test_every_relative_link_resolves(name: str) -> None:
    document = read(name)
    for link in document.links():
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (document.path.parent / target).resolve() if target else document.path
        assert path.exists(), f"{name}: {link}"
        if anchor:
            assert anchor in read(str(path.relative_to(ROOT))).anchors(), f"{name}: {link}"


@pytest.mark.parametrize("name", names())
def test_every_path_that_a_document_names_exists(name: str) -> None:
    folder = ROOT if name.startswith(ROOTED) else read(name).path.parent
    named = {word for word in read(name).code_words() if is_path(word)}
    missing = {word for word in named if not any(list(each.glob(word)) for each in {ROOT, folder})}

    assert missing == set()


def test_the_documents_link_and_name_paths() -> None:
    assert sum(len(each.links()) for each in documents()) > 60
    words = [word for each in documents() for word in each.code_words()]
    assert sum(map(is_path, words)) > 150


def test_every_document_is_reached_from_the_readme() -> None:
    reached, to_read = {"README.md"}, ["README.md"]
    while to_read:
        document = read(to_read.pop())
        for link in (link for link in document.links() if "://" not in link):
            path = (document.path.parent / link.partition("#")[0]).resolve()
            if path.suffix == ".md" and path.is_relative_to(ROOT):
                found = str(path.relative_to(ROOT))
                to_read += [] if found in reached else [found]
                reached.add(found)

    assert {name for name in names() if name.startswith("docs/")} <= reached
