"""Whether the repository has the recipe's notebook at the wanted ref: asked without its files.

A shallow clone without files (git-clone(1), --filter=blob:none) brings one commit's folders alone.
A server that knows no filter sends the files, too: beyond a bound that is given up.
"""

import difflib
import tempfile
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.preflight.git import FileLimit, environment_of_a_stranger, run_git, ways_out
from notebake.recipe import Notebook, Repository

MOST_BLOCKS = 64 * 1024
"""Of 512 bytes, for one file that git writes (POSIX, ulimit): the folders of 100,000 files take
some 5 MB."""
MOST_NAMES = 3
DIRECTORY, LINK, SUBMODULE = "040000", "120000", "160000"
CLOSE = 0.6
"""As difflib's own default: how alike two names are that may be the same, misspelt."""


def check_paths(
    repository: Repository, notebook: Notebook, commit: str | None
) -> Iterable[Finding]:
    """The notebook, and the directory to run it in, are there; `commit` is a ref that is an id."""
    if notebook.path is None:
        return
    where = f"{repository.url} at {repository.ref}"
    path = str(PurePosixPath(notebook.path))
    listed = list_entries(repository, commit)
    if isinstance(listed, str):
        yield not_checked(f"Whether {where} has {path} shows when it is cloned; git said: {listed}")
        return
    yield find_notebook(where, path, listed)
    folder = str(PurePosixPath(notebook.working_directory or "."))
    if folder != "." and listed.get(folder) != DIRECTORY:
        yield from find_folder(where, folder, listed)


def list_entries(repository: Repository, commit: str | None) -> dict[str, str] | str:
    """Return the mode of each path at the ref, or what git said where it does not tell them."""
    url = repository.url
    with tempfile.TemporaryDirectory(prefix="notebake-", ignore_cleanup_errors=True) as home:
        environment = environment_of_a_stranger(home, ways_out(url)) | {"GIT_NO_LAZY_FETCH": "1"}
        clone = str(Path(home, "clone"))
        shallow = ("--quiet", "--depth=1", "--filter=blob:none", "--no-tags")
        at = () if repository.ref == "HEAD" else (f"--branch={repository.ref}",)
        asked = [("clone", *shallow, *at, "--no-checkout", "--bare", "--", url, clone)]
        if commit:
            there = ("-C", clone)
            asked = [
                ("init", "--quiet", "--bare", clone),
                (*there, "remote", "add", "origin", url),
                (*there, "fetch", *shallow, "origin", commit),
                (*there, "update-ref", "--no-deref", "HEAD", commit),
            ]
        asked.append(("-C", clone, "ls-tree", "-r", "-t", "-z", "HEAD"))
        for words in asked:
            limit = FileLimit(MOST_BLOCKS)
            answer = run_git(*words, environment=environment, directory=home, limit=limit)
            if answer.returncode != 0:
                return (answer.stderr.strip().splitlines() or ["nothing"])[-1]
    lines = (one.partition("\t") for one in answer.stdout.split("\0") if one)
    return {path: about.split(" ", 1)[0] for about, _, path in lines}


def find_notebook(where: str, path: str, listed: dict[str, str]) -> Finding:
    """Return whether the notebook is there, and which one may be meant where it is not."""
    if path in listed and listed[path] not in (DIRECTORY, SUBMODULE):
        return good(f"{where} has {path}.")
    for parent in map(str, PurePosixPath(path).parents):
        if listed.get(parent) in (LINK, SUBMODULE):
            kind = "a link" if listed[parent] == LINK else "a submodule"
            return not_checked(f"In {where} {parent} is {kind}: {path} shows when it is cloned.")
    notebooks = [one for one in listed if one.endswith(".ipynb")]
    return wrong(f"{where} has no {path}.", meant(path, notebooks, "notebooks"))


def find_folder(where: str, folder: str, listed: dict[str, str]) -> Iterable[Finding]:
    """Yield that there is no such directory; a link or a submodule may be one."""
    if listed.get(folder) in (LINK, SUBMODULE):
        return
    folders = [one for one, mode in listed.items() if mode == DIRECTORY]
    yield wrong(f"{where} has no directory {folder}.", meant(folder, folders, "directories"))


def meant(path: str, there: list[str], what: str) -> str:
    """Return a hint: the same but for case or slashes, the same name elsewhere, or one alike."""
    wanted = plain(path)
    name = wanted.rpartition("/")[2]
    same = [one for one in there if plain(one) == wanted]
    found = same or [one for one in there if plain(one).rpartition("/")[2] == name]
    if not found:
        by_plain = {plain(one): one for one in there}
        alike = difflib.get_close_matches(wanted, by_plain, n=1, cutoff=CLOSE)
        found = [by_plain[one] for one in alike]
    if found:
        return f"Did you mean {' or '.join(found[:MOST_NAMES])}?"
    if not there:
        return f"It has no {what}."
    more = " …" if len(there) > MOST_NAMES else ""
    return f"It has {', '.join(there[:MOST_NAMES])}{more}"


def plain(path: str) -> str:
    """Return a path as people may have written it: their case, slashes and composed letters."""
    return unicodedata.normalize("NFC", path.replace("\\", "/")).casefold().removeprefix("./")
