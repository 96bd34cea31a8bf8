"""Runs git as it will run on a machine: without settings, keys, helpers and password prompts.

Only this computer's network settings, such as its proxies, are used.
"""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GIT_SECONDS = 30
OWN_PREFIXES = ("GIT_", "SSH_", "XDG_", "GCM_", "KRB5")
"""Prefixes of environment variables with this computer's own settings."""
NETWORK_VARIABLES = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_PROXY_SSL_CAINFO", "GIT_EXEC_PATH")
"""Variables that define how this computer reaches the internet, but not who the user is."""
NETWORK_SETTINGS = ("http.proxy", "http.proxyauthmethod", "http.sslcainfo", "http.sslcapath")
# ssh uses the home in the password file, not HOME, so each file is named (ssh_config(5)).
SSH_WITHOUT_KEYS = (
    "ssh -F none -o BatchMode=yes -o IdentityAgent=none -o IdentityFile=none"
    " -o UserKnownHostsFile=/dev/null -o GSSAPIAuthentication=no"
)


@dataclass(frozen=True)
class FileLimit:
    """The maximum size of each file that git writes, in blocks of 512 bytes."""

    blocks: int


def network_settings(url: str) -> dict[str, str]:
    """Return the settings with which this computer's git reaches a URL in its own network."""
    answer = run_git("config", "--get-urlmatch", "http", url, environment=dict(os.environ))
    pairs = (line.partition(" ") for line in answer.stdout.splitlines())
    return {key: value for key, _, value in pairs if key.lower() in NETWORK_SETTINGS and value}


def anonymous_environment(home: str, settings: dict[str, str]) -> dict[str, str]:
    """Return the environment with these git settings only; proxies stay."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in NETWORK_VARIABLES or not name.startswith(OWN_PREFIXES)
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
    *words: str,
    environment: dict[str, str],
    directory: str | None = None,
    limit: FileLimit | None = None,
    seconds: float = GIT_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run git without password prompts, and return its result.

    Raises OSError if git is missing, and TimeoutExpired after killing git and its helpers.
    """
    never = {"GIT_TERMINAL_PROMPT": "0", "SSH_ASKPASS_REQUIRE": "never", "GCM_INTERACTIVE": "never"}
    command = ["git", *words]
    if limit:
        command = ["sh", "-c", f'ulimit -f {limit.blocks}; exec "$@"', "sh", *command]
    git = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
        env=environment | never,
        cwd=directory,
        start_new_session=True,
    )
    with git:
        try:
            output, errors = git.communicate(timeout=seconds)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(git.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, git.returncode, output, errors)
