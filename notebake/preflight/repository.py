"""The git repository, asked from here as the machine will ask: without what is this computer's own.

The machine has no git settings, no keys, no helpers and nobody to ask for a password.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterable

from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.preflight.git import environment_of_a_stranger, run_git, ways_out
from notebake.preflight.repository_paths import check_paths
from notebake.runs.run import Run

FULL_ID = 40
"""Hex digits of a commit's whole id; a server gives a commit by no shorter one."""


def check_repository(run: Run) -> Iterable[Finding]:
    """The repository answers a stranger, and has the branch or tag; a commit shows at the clone."""
    if run.recipe.repository is None:
        return
    url, ref = run.recipe.repository.url, run.recipe.repository.ref
    try:
        answer = list_references(url)
        if answer.returncode != 0:
            yield explain_silence(url, answer.stderr.strip() or "it is empty")
            return
    except (OSError, subprocess.TimeoutExpired) as error:
        yield wrong(f"Asked {url} for its branches: {error}")
        return
    lines = [line.split("\t") for line in answer.stdout.splitlines()]
    names, commits = {name for _, name in lines}, {commit for commit, _ in lines}
    whole = next((commit for commit in sorted(commits) if commit.startswith(ref)), None)
    if {ref, f"refs/heads/{ref}", f"refs/tags/{ref}"} & names:
        yield good(f"{url} has {ref}.")
        yield from look_into(run, None)
    elif whole:
        yield good(f"{url} has the commit {ref}.")
        yield from look_into(run, whole)
    elif all(one in "0123456789abcdef" for one in ref) and len(ref) >= 7:
        yield not_checked(f"{url} answers; whether it has commit {ref} shows when it is cloned.")
        if len(ref) == FULL_ID:
            yield from look_into(run, ref)
    else:
        yield wrong(f"{url} has no branch or tag {ref}.")


def look_into(run: Run, commit: str | None) -> Iterable[Finding]:
    """Say whether what the recipe names in the repository is there."""
    repository, notebook = run.recipe.repository, run.recipe.notebook
    if repository is None or notebook.path is None:
        return
    try:
        yield from check_paths(repository, notebook, commit)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield not_checked(
            f"Whether {repository.url} has {notebook.path} shows when it is cloned: {error}"
        )


def explain_silence(url: str, said: str) -> Finding:
    """Return why a stranger gets no answer: the repository is private, or is not there."""
    if answers_with_own_settings(url):
        return wrong(
            f"{url} answers only with this computer's own git settings, keys or helpers, and the"
            f" machine has none of them. Without them git said: {said}",
            "Name an address that everybody can clone, by https. What is private can come as a"
            " dataset from s3:// or sftp://, which this computer fetches itself.",
        )
    return wrong(
        f"Asked {url} for its branches; git said: {said}",
        f"Try: GIT_CONFIG_GLOBAL=/dev/null git ls-remote {url}",
    )


def list_references(url: str) -> subprocess.CompletedProcess[str]:
    """Return git's answer to a stranger who asks what branches and tags there are."""
    with tempfile.TemporaryDirectory(prefix="notebake-") as home:
        environment = environment_of_a_stranger(home, ways_out(url))
        return run_git("ls-remote", "--exit-code", url, environment=environment, directory=home)


def answers_with_own_settings(url: str) -> bool:
    """Tell whether git answers with all that this computer has."""
    try:
        answer = run_git("ls-remote", "--exit-code", url, environment=dict(os.environ))
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0
