"""The command that a failure prints, typed as it stands: the real ssh client is the judge."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from notebake.aws.model import Instance
from notebake.machines import login_command
from notebake.recipe.file import load_recipe
from notebake.runs import registry
from notebake.runs.keys import keys_of
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from tests.ssh.conftest import Start
from tests.ssh.own_sshd import Sshd, make_key

RECIPE = Path(__file__).parents[2] / "deployments/rehearsal.yaml"
MACHINE = Instance(
    id="i-0123", state="running", instance_type="m5.large", zone="a", image_id="ami-1"
)
DISAGREEING = """
Host *
    User nobody
    Port 9
    ProxyCommand false
    PubkeyAuthentication no
    HostKeyAlgorithms rsa-sha2-512
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run whose store has blanks and quotes in its path."""
    recipe = load_recipe(RECIPE)
    base = recipe.base_image.model_copy(update={"user": "root"})
    store = open_store(str(tmp_path / "runs of 'mine' & more"))
    return registry.new_run(recipe.model_copy(update={"base_image": base}), "recipe.yaml", store)


@pytest.fixture
def sshd(start: Start, run: Run) -> Sshd:
    """One that knows the run's builder key, and shows the host key that the run gave it."""
    host = keys_of(run, "builder-host")
    sshd = start("MaxAuthTries=6", host_key=host.private)
    (sshd.home / "key.pub").write_text(keys_of(run, "builder").public + "\n")
    return sshd


def typed(command: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type a command, as somebody with such a home, and let it run `echo in`.

    ssh takes the home from the table of users (ssh_config(5)), so it lies there for this command.
    """
    home.mkdir(exist_ok=True)
    own = {"PATH": os.environ["PATH"], "HOME": str(home)}
    within = f'mount --bind "$HOME" {pwd.getpwuid(0).pw_dir}; {command} echo in'
    return subprocess.run(
        ["unshare", "--mount", "bash", "-c", within],
        env=own | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def command(run: Run) -> str:
    return login_command.login_command(run, MACHINE, role="builder", address="127.0.0.1")


def test_it_logs_in_without_a_home_of_ssh(sshd: Sshd, run: Run, tmp_path: Path) -> None:
    done = typed(command(run), tmp_path / "nothing")
    assert (done.stdout, done.returncode) == ("in\n", 0), done.stderr
    assert "-o IdentitiesOnly=yes" in command(run)
    assert sshd.logins == 1
    assert list((tmp_path / "nothing").iterdir()) == []


@pytest.mark.usefixtures("sshd")
def test_it_logs_in_with_ten_keys_in_the_agent(run: Run, tmp_path: Path) -> None:
    socket_path = tmp_path / "agent"
    agent = ["ssh-agent", "-D", "-a", str(socket_path)]
    with subprocess.Popen(agent, stdout=subprocess.DEVNULL) as running:
        try:
            description = {"SSH_AUTH_SOCK": str(socket_path)}
            for number in range(10):
                make_key(tmp_path / f"key-{number}")
                add = ["ssh-add", "-q", str(tmp_path / f"key-{number}")]
                while subprocess.run(add, env=os.environ | description, check=False).returncode:
                    assert running.poll() is None
            done = typed(command(run), tmp_path / "home", **description)
            without = command(run).replace("-o IdentitiesOnly=yes", "")
            refused = typed(without, tmp_path / "home", **description)
        finally:
            running.kill()
    assert done.stdout == "in\n", done.stderr
    assert "Too many authentication failures" in refused.stderr, "there were too many keys"


@pytest.mark.usefixtures("sshd")
def test_it_logs_in_whatever_the_users_own_settings_say(run: Run, tmp_path: Path) -> None:
    settings = tmp_path / "home/.ssh/config"
    settings.parent.mkdir(parents=True)
    settings.write_text(DISAGREEING)
    settings.chmod(0o600)
    done = typed(command(run), tmp_path / "home")
    assert done.stdout == "in\n", done.stderr
    disturbed = typed(command(run).replace("-F none", ""), tmp_path / "home")
    assert disturbed.returncode != 0, "the settings disagree"


def test_the_command_refuses_another_host_key(start: Start, run: Run, tmp_path: Path) -> None:
    sshd = start()
    (sshd.home / "key.pub").write_text(keys_of(run, "builder").public + "\n")
    done = typed(command(run), tmp_path / "home")
    assert "Host key verification failed" in done.stderr
    assert (done.stdout, sshd.logins) == ("", 0)


def test_without_a_known_host_key_ssh_asks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_command, "host_key_of", lambda *_: None)
    message = login_command.login_command(run, MACHINE, role="acceptance", address="127.0.0.1")
    assert "UserKnownHostsFile" not in message
    assert "StrictHostKeyChecking" not in message
    assert "-o IdentitiesOnly=yes" in message
