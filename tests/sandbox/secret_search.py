"""Where a secret of an opened server could leak to, as bytes that are searched for it."""

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.sandbox.bakery import Login
from tests.sandbox.server_person import Person

PROCESSES = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2> /dev/null | tr '\\0' '\\n' || true"
LISTED = "ps -eww -o args= && ps axeww"
LOGS = "journalctl --all --no-pager --quiet; find /var/log -type f -name '*log*' -exec cat {} +"
OWN_SECRETS = ("id_ed25519", "open.html")
"""Files of the person's home that hold a secret by design, and that only the person may read."""


class Watch:
    """What the processes of this computer have shown since it began, those of hosts included."""

    def __init__(self) -> None:
        self.shown: set[bytes] = set()
        self.rounds = 0
        self._end = threading.Event()

    def look(self) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            self.shown.add(read(path))
        self.rounds += 1

    @contextmanager
    def watching(self) -> Iterator["Watch"]:
        def run() -> None:
            while not self._end.is_set():
                self.look()
                time.sleep(0.02)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join()


def places_of(person: Person, name: str, login: Login, pid: int) -> dict[str, bytes]:
    """Return what stands in each place while the server is held open by a process."""
    server = person.server(name)
    asked = {"InstanceId": server["InstanceId"]}
    ec2: Any = person.ec2
    user_data = ec2.describe_instance_attribute(**asked, Attribute="userData")["UserData"]
    return {
        "user data": base64.b64decode(user_data["Value"]),
        "tags": str(ec2.describe_tags()["Tags"]).encode(),
        "console": console_of(ec2, asked),
        "processes of open": b"".join(read_processes(pid)),
        "processes of the server": login.run(PROCESSES).encode(),
        "ps on the server": login.run(LISTED).encode(),
        "logs of the server": login.run(LOGS).encode(),
        "the person's files": b"".join(read_files(person.home)),
        "calls to EC2": (person.cloud.home.path / "calls.jsonl").read_bytes(),
    }


def console_of(ec2: Any, asked: dict[str, str]) -> bytes:
    shown: str = ec2.get_console_output(**asked, Latest=True)["Output"]
    return shown.encode()


def read_processes(pid: int) -> Iterator[bytes]:
    """Give the arguments and the environment of a process and of all that it has started."""
    yield read(Path(f"/proc/{pid}/cmdline"))
    yield read(Path(f"/proc/{pid}/environ"))
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in read(path).split():
            yield from read_processes(int(child))


def read_files(folder: Path) -> Iterator[bytes]:
    """Give the content of the person's files, but those that hold a secret by design."""
    for path in folder.rglob("*"):
        if path.name in OWN_SECRETS:
            assert path.stat().st_mode & 0o077 == 0, f"others may read {path}"
        elif path.is_file():
            yield read(path)


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has ended


def holding(places: dict[str, bytes], secret: str) -> list[str]:
    """Return the places in which a secret stands."""
    return [name for name, content in places.items() if secret.encode() in content]
