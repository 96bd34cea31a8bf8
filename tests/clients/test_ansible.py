"""Ansible's amazon.aws collection drives the sandbox, and Ansible logs in to its hosts."""

import json
from pathlib import Path

import pytest

from tests.clients.bakes import read_command, write_command
from tests.clients.programs import Program, installed_or_skip
from tests.sandbox.bake_world import Cloud

PLAYBOOK = Path(__file__).parent / "ansible/cycle.yaml"

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module", autouse=True)
def path() -> str:
    return installed_or_skip("Ansible", "ansible", "bin/ansible-playbook")


def test_ansible_goes_through_the_whole_cycle(
    path: str, clean_cloud: Cloud, settings: dict[str, str], tmp_path: Path
) -> None:
    # The socket of a shared connection would lie in the test's folder, too deep for its path.
    unshared = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none"}
    own = {"ANSIBLE_HOST_KEY_CHECKING": "false", "ANSIBLE_NOCOLOR": "true", **unshared}
    ansible = Program(path, tmp_path, settings | own)
    hosts = tmp_path / "hosts"
    python = "ansible_python_interpreter='{{ ansible_playbook_python }}'"
    hosts.write_text(
        f"localhost ansible_connection=local {python}\n"
        f"[all:vars]\nansible_user=ubuntu\nansible_ssh_private_key_file={tmp_path}/key\n"
    )
    variables = {
        "folder": str(tmp_path),
        "subnet": clean_cloud.home.subnet,
        "write": write_command("{}", "ansible"),
        "read": read_command("{}"),
    }
    printed = ansible.run(
        "--inventory", str(hosts), "--extra-vars", json.dumps(variables), str(PLAYBOOK)
    )
    assert "failed=0" in printed
    assert (tmp_path / "read").read_text().split() == ["ansible", "ansible"]
