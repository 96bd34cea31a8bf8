"""Somebody with the credentials of an account and a computer of their own, who uses servers."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ec2_actions import client
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import BIN, PROJECT, Cloud
from tests.sandbox.bakery import Done, Login
from tests.servers.typed import BROWSER
from tests.ssh.own_sshd import free_port

NAME = "moto"
"""The user of all credentials of the sandbox."""


@dataclass(frozen=True)
class Person:
    """Types `notebake` in a home of their own."""

    cloud: Cloud
    folder: Path
    account_id: str

    @property
    def home(self) -> Path:
        return self.folder / "notebake"

    @property
    def browser_log(self) -> Path:
        return self.folder / "browser.log"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.cloud.environment,
            "AWS_ACCESS_KEY_ID": self.account_id,
            "NOTEBAKE_HOME": str(self.home),
            "BROWSER": str(self.folder / "browser"),
            "COLUMNS": "500",
        }

    @property
    def ec2(self) -> Any:
        return client("ec2", self.cloud.home.api_url, account_id=self.account_id)

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(BIN / "notebake"), *words],
            env=self.environment,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def notebake(self, *words: str) -> Done:
        """Type a command and wait for its end."""
        process = self.start(*words)
        printed, _ = process.communicate(timeout=HANG_SECONDS)
        assert "Traceback" not in printed, printed
        return Done(process.returncode, printed)

    @contextmanager
    def opening(self, name: str) -> Iterator["Opened"]:
        """Open a server until the browser is logged in; hold it open while the block runs."""
        self.browser_log.unlink(missing_ok=True)
        # Another test may have taken the usual one meanwhile.
        process = self.start("open", name, "--port", str(free_port()))
        try:
            deadline = time.monotonic() + HANG_SECONDS
            while not (self.browser_log.exists() and self.browser_log.read_text().endswith("\n")):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline, "the browser has no page"
                time.sleep(0.05)
            opened = Opened(process, self.folder_of(name))
            yield opened
        finally:
            process.terminate()
            printed, _ = process.communicate(timeout=HANG_SECONDS)
        opened.printed = printed
        assert process.returncode == 0, printed

    def folder_of(self, name: str) -> Path:
        return self.home / "servers" / NAME / name

    def server(self, name: str) -> dict[str, Any]:
        """Return EC2's description of a server that is not terminated."""
        filters = [
            {"Name": "tag:notebake:server", "Values": [name]},
            {
                "Name": "instance-state-name",
                "Values": ["pending", "running", "stopping", "stopped"],
            },
        ]
        (found,) = self.ec2.describe_instances(Filters=filters)["Reservations"]
        instance: dict[str, Any] = found["Instances"][0]
        return instance

    def servers(self) -> list[str]:
        """Return the names of the servers that there are."""
        shown = self.ec2.describe_instances(
            Filters=[{"Name": "tag-key", "Values": ["notebake:server"]}]
        )["Reservations"]
        return [
            tag["Value"]
            for each in shown
            for instance in each["Instances"]
            for tag in instance["Tags"]
            if tag["Key"] == "notebake:server" and instance["State"]["Name"] != "terminated"
        ]

    def login(self, name: str) -> Login:
        """Return the login to a server by OpenSSH alone."""
        server = self.server(name)
        tags = {tag["Key"]: tag["Value"] for tag in server["Tags"]}
        key = self.folder_of(name) / "id_ed25519"
        return Login(server["PublicIpAddress"], key, tags["notebake:host-key"])

    def by_alias(self, program: str, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Reach a server as `nb-NAME`, by the configuration that `open` writes."""
        config = str(self.home / "ssh" / "config")
        return subprocess.run(
            [
                program,
                "-F",
                config,
                *(["-b", "-"] if program == "sftp" else []),
                f"nb-{name}",
                *words,
            ],
            input="pwd\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=HANG_SECONDS,
        )


@dataclass
class Opened:
    """A process of `open`, and what it has printed when it has ended."""

    process: "subprocess.Popen[str]"
    folder: Path
    printed: str = ""

    @property
    def address(self) -> tuple[str, str]:
        """Return the port of this computer, and the token, as the page has them."""
        page = (self.folder / "open.html").read_text()
        found = re.search(r"127\.0\.0\.1:(\d+)/lab\?token=(\w+)", page)
        assert found
        return found[1], found[2]


def person_of(cloud: Cloud, folder: Path, account_id: str) -> Person:
    """Return a new person, with a browser that logs in and ends."""
    folder.mkdir()
    browser = folder / "browser"
    browser.write_text(BROWSER.format(python=sys.executable, log=str(folder / "browser.log")))
    browser.chmod(0o700)
    return Person(cloud, folder, account_id)
