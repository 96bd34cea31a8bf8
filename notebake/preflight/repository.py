"""The git repository, queried as the machine will clone it: without git settings or keys."""

import os
import subprocess
import tempfile
from collections.abc import Iterable

from notebake.local.git import anonymous_environment, network_settings, run_git
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.preflight.repository_paths import check_paths
from notebake.runs.run import Run

LIST_REFERENCES = ("ls-remote", "--exit-code")
IN_A_CLONE = ("HEAD", "refs/heads/", "refs/tags/")
FULL_ID = 40
"""Hex digits of a full commit id; a server accepts no shorter one."""


def check_repository(run: Run) -> Iterable[Finding]:
    """Check that the repository is public, and has the branch or tag."""
    if run.recipe.repository is None:
        return
    url, ref = run.recipe.repository.url, run.recipe.repository.ref
    try:
        with tempfile.TemporaryDirectory(prefix="notebake-") as home:
            environment = anonymous_environment(home, network_settings(url))
            answer = run_git(*LIST_REFERENCES, url, environment=environment, directory=home)
        if answer.returncode != 0:
            yield explain_failure(url, answer.stderr.strip() or "the repository is empty")
            return
    except (OSError, subprocess.TimeoutExpired) as error:
        yield wrong(f"Tried to list the branches of {url}: {error}")
        return
    listed = [line.split("\t") for line in answer.stdout.splitlines()]
    # A clone has branches and tags only; a server may have others, as those of pull requests.
    lines = [(commit, name) for commit, name in listed if name.startswith(IN_A_CLONE)]
    names, commits = {name for _, name in lines}, {commit for commit, _ in lines}
    whole = next((commit for commit in sorted(commits) if commit.startswith(ref)), None)
    if {ref, f"refs/heads/{ref}", f"refs/tags/{ref}"} & names:
        yield good(f"{url} has {ref}.")
        yield from check_notebook_paths(run, ref if ref.startswith("refs/") else None)
    elif whole:
        yield good(f"{url} has the commit {ref}.")
        yield from check_notebook_paths(run, whole)
    elif all(character in "0123456789abcdef" for character in ref) and len(ref) >= 7:
        yield not_checked(f"{url} answers; whether it has commit {ref} shows when it is cloned.")
        if len(ref) == FULL_ID:
            yield from check_notebook_paths(run, ref)
    else:
        yield wrong(f"{url} has no branch or tag named `{ref}`.")


def check_notebook_paths(run: Run, exact: str | None) -> Iterable[Finding]:
    """Check that the paths of the recipe exist in the repository, and its submodules.

    `exact` is a commit id or a whole name, which only git-fetch(1) takes.
    """
    repository, notebook = run.recipe.repository, run.recipe.notebook
    if repository is None or not (notebook.path or repository.submodules):
        return
    try:
        yield from check_paths(repository, notebook, exact)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield not_checked(
            f"Whether {repository.url} can be cloned as a whole shows when it is cloned: {error}"
        )


def explain_failure(url: str, errors: str) -> Finding:
    """Return why the repository cannot be listed: it is private, or does not exist."""
    if answers_with_own_settings(url):
        return wrong(
            f"{url} answers only with this computer's own git settings, keys or helpers, and the"
            f" machine has none of them. Without them git printed: {errors}",
            "Name an https address that anybody can clone. Private files can be a dataset from"
            " s3:// or sftp://, which this computer fetches itself.",
        )
    return wrong(
        f"Tried to list the branches of {url}; git printed: {errors}",
        f"Try: GIT_CONFIG_GLOBAL=/dev/null git ls-remote {url}",
    )


def answers_with_own_settings(url: str) -> bool:
    """Return whether the repository can be listed with this computer's own settings."""
    try:
        answer = run_git(*LIST_REFERENCES, url, environment=dict(os.environ))
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0
