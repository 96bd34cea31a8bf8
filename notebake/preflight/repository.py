"""The git repository, asked from here."""

import os
import subprocess
from collections.abc import Iterable

from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.records import Run

GIT_SECONDS = 30


def check_repository(run: Run) -> Iterable[Finding]:
    """The repository answers from here, and has the branch or tag; a commit cannot be asked for."""
    if run.recipe.repository is None:
        return
    url, ref = run.recipe.repository.url, run.recipe.repository.ref
    try:
        answer = list_references(url)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield wrong(f"Asked {url} for its branches: {error}")
        return
    if answer.returncode != 0:
        said = answer.stderr.strip() or "it is empty"
        yield wrong(f"Asked {url} for its branches; git said: {said}", f"Try: git ls-remote {url}")
        return
    lines = [line.split("\t") for line in answer.stdout.splitlines()]
    names, commits = {name for _, name in lines}, {commit for commit, _ in lines}
    if {ref, f"refs/heads/{ref}", f"refs/tags/{ref}"} & names:
        yield good(f"{url} has {ref}.")
    elif any(commit.startswith(ref) for commit in commits):
        yield good(f"{url} has the commit {ref}.")
    elif all(one in "0123456789abcdef" for one in ref) and len(ref) >= 7:
        yield not_checked(f"{url} answers; whether it has commit {ref} shows when it is cloned.")
    else:
        yield wrong(f"{url} has no branch or tag {ref}.")


def list_references(url: str) -> subprocess.CompletedProcess[str]:
    """Return git's answer to what branches and tags there are; asks nobody for a password."""
    return subprocess.run(
        ["git", "ls-remote", "--exit-code", url],
        capture_output=True,
        text=True,
        timeout=GIT_SECONDS,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        check=False,
    )
