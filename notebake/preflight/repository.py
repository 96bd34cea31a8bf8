"""The git repository, asked from here as the machine will ask: without what is this computer's own.

The machine has no git settings, no keys, no helpers and nobody to ask for a password.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.records import Run

GIT_SECONDS = 30
OWN = ("GIT_", "SSH_", "XDG_", "GCM_", "KRB5")
"""What the names of this computer's own settings begin with."""
OF_THE_NETWORK = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_PROXY_SSL_CAINFO", "GIT_EXEC_PATH")
"""What says how this computer reaches the internet, and nothing of who asks."""
WAYS_OUT = ("http.proxy", "http.proxyauthmethod", "http.sslcainfo", "http.sslcapath")
# ssh goes by the password file's home, not by HOME, hence each place by name (ssh_config(5)).
SSH_WITHOUT_KEYS = (
    "ssh -F none -o BatchMode=yes -o IdentityAgent=none -o IdentityFile=none"
    " -o UserKnownHostsFile=/dev/null -o GSSAPIAuthentication=no"
)


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
    if {ref, f"refs/heads/{ref}", f"refs/tags/{ref}"} & names:
        yield good(f"{url} has {ref}.")
    elif any(commit.startswith(ref) for commit in commits):
        yield good(f"{url} has the commit {ref}.")
    elif all(one in "0123456789abcdef" for one in ref) and len(ref) >= 7:
        yield not_checked(f"{url} answers; whether it has commit {ref} shows when it is cloned.")
    else:
        yield wrong(f"{url} has no branch or tag {ref}.")


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


def ways_out(url: str) -> dict[str, str]:
    """Return the settings by which this computer's git reaches an address: they are its network's.

    The machine stands in another network, where it needs none of them.
    """
    answer = run_git("config", "--get-urlmatch", "http", url, environment=dict(os.environ))
    pairs = (line.partition(" ") for line in answer.stdout.splitlines())
    return {key: value for key, _, value in pairs if key.lower() in WAYS_OUT and value}


def environment_of_a_stranger(home: str, settings: dict[str, str]) -> dict[str, str]:
    """Return the environment without this computer's own settings but these; proxies stay."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in OF_THE_NETWORK or not name.startswith(OWN)
    }
    for number, (key, value) in enumerate(settings.items()):
        kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return kept | {
        "HOME": home,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_SSH_COMMAND": SSH_WITHOUT_KEYS,
        "KRB5CCNAME": f"FILE:{Path(home, 'no-tickets')}",
    }


def run_git(
    *words: str, environment: dict[str, str], directory: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Return what git said; nobody is asked for a password, for there is no terminal to ask at.

    Raises OSError without git, TimeoutExpired where it does not end.
    """
    never = {"GIT_TERMINAL_PROMPT": "0", "SSH_ASKPASS_REQUIRE": "never", "GCM_INTERACTIVE": "never"}
    return subprocess.run(
        ["git", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=GIT_SECONDS,
        env=environment | never,
        cwd=directory,
        start_new_session=True,
        check=False,
    )
