"""Servers of a second account, from an image that is shared with it and from a public one.

All is typed, by two people with an account each; what it starts are real hosts.
"""

import json
import re
import secrets
import shlex
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.account import FRIEND
from tests.sandbox.bake_world import REGION
from tests.sandbox.bakery import Bakery, Done
from tests.sandbox.secret_search import Watch, holding, places_of
from tests.sandbox.server_person import Person, person_of
from tests.server_world import UBUNTU
from tests.ssh.own_sshd import free_port, make_key

pytestmark = pytest.mark.sandbox
HOST_KEY = "notebake:host-key"


@pytest.fixture(scope="module")
def friend(bakery: Bakery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Give a person of another account, who leaves nothing."""
    person = person_of(bakery.cloud, tmp_path_factory.mktemp("friend") / "own", FRIEND)
    yield person
    for name in person.servers():
        done = person.notebake("terminate", name, "--yes")
        assert done.exit_code == 0, done.printed
    states = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopped"]}]
    assert person.ec2.describe_instances(Filters=states)["Reservations"] == []
    assert person.ec2.describe_volumes()["Volumes"] == []
    groups = person.ec2.describe_security_groups()["SecurityGroups"]
    assert {group["GroupName"] for group in groups} == {"default"}
    assert "Host nb-" not in (person.home / "ssh/config").read_text()


@pytest.fixture(scope="module")
def refusal(friend: Person, image: dict[str, Any]) -> Done:
    """Type the start from the image before it is shared; nothing may be left of it."""
    done = friend.notebake("start", image["ImageId"], "--name", "ocean", "--yes")
    assert friend.servers() == []
    assert not friend.folder_of("ocean").exists()
    return done


@pytest.fixture(scope="module")
def server(bakery: Bakery, friend: Person, image: dict[str, Any], refusal: Done) -> dict[str, Any]:
    """Let the owner type what the refusal says, and start a server by a part of the name."""
    found = re.search(r"Its owner, to share it: +notebake (share .+)", refusal.printed)
    assert found, refusal.printed
    done = bakery.notebake(*shlex.split(found[1]))
    assert done.exit_code == 0, done.printed
    started = friend.notebake("start", f"{image['Name'][:-2]}*", "--name", "ocean", "--yes")
    assert started.exit_code == 0, started.printed
    assert "if its image has notebake's idle stop" in started.text
    return friend.server("ocean")


def test_an_image_that_is_not_shared_is_refused_with_what_its_owner_types(
    image: dict[str, Any], refusal: Done
) -> None:
    assert refusal.exit_code == 1
    assert f"EC2 shows no image {image['ImageId']} in {REGION}" in refusal.text
    assert f"notebake share {image['ImageId']} --with {FRIEND}" in refusal.text
    assert refusal.printed.count("✗") == 1


def test_a_server_of_a_shared_image_opens_in_the_browser(
    friend: Person, server: dict[str, Any], image: dict[str, Any]
) -> None:
    assert server["ImageId"] == image["ImageId"]
    with friend.opening("ocean") as opened:
        port, token = opened.address
        assert "started" in ask(port, token, "api/status")
        assert friend.by_alias("ssh", "ocean", "id -un").stdout == "ubuntu\n"
    tags = {tag["Key"]: tag["Value"] for tag in friend.server("ocean")["Tags"]}
    assert tags["notebake:jupyter-port"] == "8887"
    assert friend.browser_log.read_text().split()[1:3] == ["200", "True"]


def test_no_secret_leaves_its_place_while_a_server_is_open(
    friend: Person, server: dict[str, Any]
) -> None:
    planted = f"planted-{secrets.token_hex(24)}"
    login = friend.login("ocean")
    key = (friend.folder_of("ocean") / "id_ed25519").read_text().splitlines()[2]
    public = (friend.folder_of("ocean") / "id_ed25519.pub").read_text().split()[1]
    with Watch().watching() as watch, friend.opening("ocean") as opened:
        port, token = opened.address
        assert login.run("cat /etc/notebake/jupyter-token") == token
        kernel = json.loads(ask(port, token, "api/kernels", b"{}"))
        places = places_of(friend, "ocean", login, opened.process.pid)
        plant(friend, server["InstanceId"], login, planted)
        with planted_process(planted) as process:
            watch.look()
            control = places_of(friend, "ocean", login, process.pid)
        ask(port, token, f"api/kernels/{kernel['id']}", method="DELETE")
        login.run("systemctl stop planted")
    places["processes here"] = b"\n".join(watch.shown)
    places["what open printed"] = opened.printed.encode()
    assert watch.rounds > 10
    for secret in (token, key):
        assert holding(places, secret) == []
    # The same search finds what is there: nothing can be planted in user data, and calls are named.
    assert set(holding(control, planted)) == {*control} - {"user data", "calls to EC2"}
    assert "user data" in holding(control, public)
    assert "calls to EC2" in holding(control, "RunInstances")
    assert "processes here" in holding(places, planted)
    assert "what open printed" in holding(places, "A terminal on it")
    assert "processes of the server" in holding(places, kernel["id"])


def test_another_host_key_is_refused_by_open_ssh_and_sftp_and_the_right_one_taken_again(
    friend: Person, server: dict[str, Any], tmp_path: Path
) -> None:
    right = friend.login("ocean").host_key
    make_key(tmp_path / "other")
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    tag(friend, server["InstanceId"], HOST_KEY, other)
    # As on a computer to which the key was copied: the remembered place would be tried first.
    (friend.folder_of("ocean") / "reached.json").unlink()
    done = friend.notebake("open", "ocean", "--port", str(free_port()))
    assert done.exit_code == 1
    assert done.printed.count("✗") == 1
    assert "shows another ssh host key" in done.text
    assert "Where your servers are: notebake servers" in done.text
    assert not (friend.folder_of("ocean") / "open.html").exists()
    for program in ("ssh", "sftp"):
        refused = friend.by_alias(program, "ocean")
        assert refused.returncode == 255
        assert "HOST IDENTIFICATION HAS CHANGED" in refused.stderr
    tag(friend, server["InstanceId"], HOST_KEY, right)
    with friend.opening("ocean"):
        assert friend.by_alias("sftp", "ocean").returncode == 0


@pytest.mark.usefixtures("server")
def test_a_server_outlives_the_end_of_the_sharing_and_is_started_again_while_it_stops(
    bakery: Bakery, friend: Person, image: dict[str, Any]
) -> None:
    done = bakery.notebake("unshare", image["ImageId"], "--with", FRIEND, "--region", REGION)
    assert done.exit_code == 0, done.printed
    again = friend.notebake("start", image["ImageId"], "--name", "second", "--yes")
    assert again.exit_code == 1
    assert "notebake share" in again.text
    friend.ec2.stop_instances(InstanceIds=[friend.server("ocean")["InstanceId"]])
    with friend.opening("ocean") as opened:
        assert "started" in ask(*opened.address, "api/status")
    assert re.search("Starting ocean|as soon as it has stopped", opened.printed), opened.printed


def test_an_image_without_our_jupyterlab_says_so_and_gives_the_ssh_command(
    friend: Person,
) -> None:
    started = friend.notebake("start", UBUNTU, "--name", "plain-linux", "--yes")
    assert started.exit_code == 0, started.printed
    done = friend.notebake("open", "plain-linux")
    assert done.exit_code == 0, done.printed
    assert "The image of plain-linux has no JupyterLab of notebake's. Log in by:" in done.text
    command = next(line for line in done.printed.splitlines() if line.startswith("ssh "))
    typed = subprocess.run(
        ["bash", "-c", f"{command} id -un"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert typed.stdout == "ubuntu\n", typed.stderr
    assert friend.by_alias("ssh", "plain-linux", "id -un").stdout == "ubuntu\n"


def ask(port: str, token: str, path: str, body: bytes | None = None, method: str = "") -> str:
    """Ask JupyterLab behind the tunnel, with the token in a header."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{path}",
        data=body,
        headers={"Authorization": f"token {token}"},
        method=method or None,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        return str(answer.read().decode())


def tag(person: Person, instance_id: str, key: str, value: str) -> None:
    person.ec2.create_tags(Resources=[instance_id], Tags=[{"Key": key, "Value": value}])


def plant(person: Person, instance_id: str, login: Any, text: str) -> None:
    """Put a text where a secret could stand: in a tag, on the console, in logs, in processes."""
    tag(person, instance_id, "planted", text)
    login.run(f"echo {text} > /dev/console; logger {text}")
    login.run(
        f"systemd-run --quiet --unit=planted --setenv=PLANTED={text}"
        f" bash -c 'while true; do sleep 1; done # {text}'"
    )
    (person.home / "planted").write_text(text)


def planted_process(text: str) -> "subprocess.Popen[bytes]":
    """Start a process with the text in its arguments."""
    return subprocess.Popen(["bash", "-c", f": {text}; read"], stdin=subprocess.PIPE)
