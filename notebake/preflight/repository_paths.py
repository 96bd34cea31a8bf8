"""Checks that the repository has the recipe's notebook at the ref, without fetching all files.

A shallow clone without files (git-clone(1), --filter=blob:none) fetches the folders of one commit.
A server without support for filters sends the files, too: above a limit the check is given up.
"""

import difflib
import tempfile
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from notebake.local.git import FileLimit, anonymous_environment, network_settings, run_git
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.preflight.submodules import SUBMODULE, find_uncloneable, read_addresses
from notebake.recipe import Notebook, Repository

MAX_BLOCKS = 64 * 1024
"""The limit for one file that git writes, in blocks of 512 bytes (POSIX, ulimit): the folders of
100,000 files need some 5 MB."""
MAX_NAMES = 3
DIRECTORY, LINK = "040000", "120000"


@dataclass(frozen=True)
class Tree:
    """The mode of each path in a repository, and the address of each submodule, if known."""

    modes: dict[str, str]
    submodules: dict[str, str] | None = field(default_factory=dict)


def check_paths(repository: Repository, notebook: Notebook, exact: str | None) -> Iterable[Finding]:
    """Check submodules, notebook and its folder; `exact` is a commit id or a tag's whole name."""
    where = f"{repository.url} at {repository.ref}"
    path = str(PurePosixPath(notebook.path or "."))
    tree = list_entries(repository, exact)
    if isinstance(tree, str):
        what = f"has {path}" if notebook.path else "can be cloned with its submodules"
        yield not_checked(f"Whether {where} {what} shows when it is cloned; git printed: {tree}")
        return
    listed = tree.modes
    if repository.submodules:
        yield from find_uncloneable(where, listed, tree.submodules)
    if notebook.path is None:
        return
    yield find_notebook(where, path, listed)
    folder = str(PurePosixPath(notebook.working_directory or "."))
    if folder != "." and listed.get(folder) != DIRECTORY:
        yield from find_folder(where, folder, listed)


def list_entries(repository: Repository, exact: str | None) -> Tree | str:
    """Return what is at the ref, or git's error message."""
    url = repository.url
    with tempfile.TemporaryDirectory(prefix="notebake-", ignore_cleanup_errors=True) as home:
        environment = anonymous_environment(home, network_settings(url)) | {
            "GIT_NO_LAZY_FETCH": "1"
        }
        clone = str(Path(home, "clone"))
        shallow = ("--quiet", "--depth=1", "--filter=blob:none", "--no-tags")
        at = () if repository.ref == "HEAD" else (f"--branch={repository.ref}",)
        commands = [("clone", *shallow, *at, "--no-checkout", "--bare", "--", url, clone)]
        if exact:
            in_clone = ("-C", clone)
            commands = [
                ("init", "--quiet", "--bare", clone),
                (*in_clone, "remote", "add", "origin", url),
                (*in_clone, "fetch", *shallow, "origin", exact),
                (*in_clone, "update-ref", "--no-deref", "HEAD", "FETCH_HEAD^{commit}"),
            ]
        commands.append(("-C", clone, "ls-tree", "-r", "-t", "-z", "HEAD"))
        for words in commands:
            limit = FileLimit(MAX_BLOCKS)
            answer = run_git(*words, environment=environment, directory=home, limit=limit)
            if answer.returncode != 0:
                return (answer.stderr.strip().splitlines() or ["nothing"])[-1]
        lines = (entry.partition("\t") for entry in answer.stdout.split("\0") if entry)
        modes = {path: about.split(" ", 1)[0] for about, _, path in lines}
        if not repository.submodules or SUBMODULE not in modes.values():
            return Tree(modes)
        # This fetches one file.
        fetching = {key: environment[key] for key in environment if key != "GIT_NO_LAZY_FETCH"}
        return Tree(modes, read_addresses(clone, fetching))


def find_notebook(where: str, path: str, listed: dict[str, str]) -> Finding:
    """Return whether the notebook exists, and a similar name if it does not."""
    if path in listed and listed[path] not in (DIRECTORY, SUBMODULE):
        return good(f"{where} has {path}.")
    for parent in map(str, PurePosixPath(path).parents):
        if listed.get(parent) in (LINK, SUBMODULE):
            kind = "a link" if listed[parent] == LINK else "a submodule"
            return not_checked(f"In {where} {parent} is {kind}: {path} shows when it is cloned.")
    notebooks = [path for path in listed if path.endswith(".ipynb")]
    return wrong(f"{where} has no {path}.", suggest(path, notebooks, "notebooks"))


def find_folder(where: str, folder: str, listed: dict[str, str]) -> Iterable[Finding]:
    """Report a missing directory, unless the path is a link or a submodule."""
    if listed.get(folder) in (LINK, SUBMODULE):
        return
    folders = [path for path, mode in listed.items() if mode == DIRECTORY]
    yield wrong(f"{where} has no directory {folder}.", suggest(folder, folders, "directories"))


def suggest(path: str, existing: list[str], what: str) -> str:
    """Return a hint: a path that differs in case or slashes, has the same name, or is similar."""
    wanted = normalize(path)
    name = wanted.rpartition("/")[2]
    by_normalized = {normalize(each): each for each in existing}
    same = [each for each in existing if normalize(each) == wanted]
    found = same or [each for each in existing if normalize(each).rpartition("/")[2] == name]
    if not found:
        similar = difflib.get_close_matches(wanted, by_normalized, n=1)
        found = [by_normalized[each] for each in similar]
    if found:
        return f"Did you mean {' or '.join(found[:MAX_NAMES])}?"
    if not existing:
        return f"It has no {what}."
    more = " …" if len(existing) > MAX_NAMES else ""
    return f"It has {', '.join(existing[:MAX_NAMES])}{more}"


def normalize(path: str) -> str:
    """Return a path without differences of case, slashes and Unicode composition."""
    return unicodedata.normalize("NFC", path.replace("\\", "/")).casefold().removeprefix("./")
