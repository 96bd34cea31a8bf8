"""git as a stranger's: without what is this computer's own but its ways out to the network.

A machine has no git settings, no keys, no helpers and nobody to ask for a password.
"""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class FileLimit:
    """How large any file may become that git writes, in blocks of 512 bytes."""

    blocks: int


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
    *words: str,
    environment: dict[str, str],
    directory: str | None = None,
    limit: FileLimit | None = None,
) -> subprocess.CompletedProcess[str]:
    """Return what git said; nobody is asked for a password, for there is no terminal to ask at.

    Raises OSError without git, TimeoutExpired where it does not end; then its helpers end, too.
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
            output, errors = git.communicate(timeout=GIT_SECONDS)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(git.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, git.returncode, output, errors)
