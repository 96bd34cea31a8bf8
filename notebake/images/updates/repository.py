"""Whether the git repository has another commit at the recipe's ref, asked by `git ls-remote`.

The ref is read as the clone on a machine reads it: first as a branch, then as git reads a name
(gitrevisions(7)), and only then as the beginning of a commit id.
"""

import re
import subprocess
import tempfile
from collections.abc import Mapping

from notebake.errors import NotebakeError
from notebake.humanize import first_line
from notebake.images.updates.current import CurrentImage
from notebake.images.updates.finding import CauseFinding, Change, State
from notebake.local.git import anonymous_environment, network_settings, run_git
from notebake.recipe import Recipe, Repository
from notebake.timeouts import SOURCE_SECONDS

FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHORT_ID = re.compile(r"[0-9a-f]{4,63}")
PEELED = "^{}"
"""What follows the name of an annotated tag where its commit is listed, not the tag itself."""


def check_repository(current: CurrentImage, recipe: Recipe) -> CauseFinding:
    """Compare the commit at the ref with the commit that was cloned.

    Raises:
        NotebakeError: the repository does not answer, or has no such ref.
    """
    before, repository = current.summary.commit or None, recipe.repository
    if repository is None:
        return _finding(before, None, current, how="The recipe names no repository.")
    if before is None and current.summary.recipe.get("repository"):
        reason = f"The record of run {current.run_id} has no commit."
        return CauseFinding(cause="repository", state="not checked", reason=reason)
    url, ref = repository.url, repository.ref
    if FULL_ID.fullmatch(ref):
        how = f"A full commit id never changes: {url} was not asked."
        return _finding(before, ref, current, how=how, name="commit")
    how = f"{ref} in `git ls-remote {url}` was compared with the commit that was cloned."
    kind, commit = find_commit(ref, list_refs(repository), before)
    return _finding(before, commit, current, how=how, name=f"{kind} {ref}".strip())


def list_refs(repository: Repository) -> dict[str, str]:
    """Return the commit of each ref that the recipe's may mean; tags are peeled.

    Raises:
        NotebakeError: git is missing, failed, or did not answer in time.
    """
    url, ref = repository.url, repository.ref.removeprefix("origin/")
    # A clone has branches and tags only; a large server has many more refs.
    kinds: tuple[str, ...] = ("--heads", "--tags")
    names: tuple[str, ...] = (ref, f"{ref}{PEELED}")
    if ref == "HEAD":
        kinds, names = (), ("HEAD",)
    try:
        with tempfile.TemporaryDirectory(prefix="notebake-") as home:
            environment = anonymous_environment(home, network_settings(url))
            words = ("ls-remote", *kinds, "--", url, *names)
            answer = run_git(
                *words, environment=environment, directory=home, seconds=SOURCE_SECONDS
            )
    except subprocess.TimeoutExpired as error:
        raise NotebakeError(f"{url} did not answer git within {SOURCE_SECONDS} s.") from error
    except OSError as error:
        raise NotebakeError(f"Could not run git to list the refs of {url}: {error}") from error
    if answer.returncode != 0:
        printed = first_line(answer.stderr) or f"exit code {answer.returncode}"
        raise NotebakeError(f"Tried to list the refs of {url}; git printed: {printed}")
    lines = [line.partition("\t") for line in answer.stdout.splitlines()]
    found = {name: commit for commit, tab, name in lines if tab}
    peeled = {name.removesuffix(PEELED): id for name, id in found.items() if name.endswith(PEELED)}
    return {name: id for name, id in found.items() if not name.endswith(PEELED)} | peeled


def find_commit(ref: str, refs: Mapping[str, str], before: str | None) -> tuple[str, str]:
    """Return what the ref is, such as `branch`, and its commit.

    Raises:
        NotebakeError: there is no such branch or tag, nor is it the beginning of a known commit id.
    """
    if ref == "HEAD" and ref in refs:
        return "the default branch,", refs[ref]
    for kind, name in (
        ("branch", f"refs/heads/{ref}"),
        ("", f"refs/{ref}"),
        ("", ref),
        ("tag", f"refs/tags/{ref}"),
        ("branch", f"refs/heads/{ref.removeprefix('origin/')}"),
    ):
        if name in refs:
            return kind, refs[name]
    if SHORT_ID.fullmatch(ref) and before and before.startswith(ref):
        return "commit", before
    if SHORT_ID.fullmatch(ref):
        raise NotebakeError(f"Which commit {ref} is shows only in a clone.")
    raise NotebakeError(f"The repository has no branch or tag named {ref}.")


def _finding(
    before: str | None, now: str | None, current: CurrentImage, *, how: str, name: str = ""
) -> CauseFinding:
    state: State = "unchanged" if before == now else "changed"
    changes: tuple[Change, ...] = ()
    if state == "changed":
        was = (current.summary.recipe.get("repository") or {}).get("url", "")
        changes = (Change(name=name or was or "repository", old=before, new=now),)
    return CauseFinding(cause="repository", state=state, how=how, changes=changes)
