"""`notebake open NAME` as it is typed, for a server that was opened before; its browser asks.

The browser is a program that reads the page, follows it, and writes down when it was logged in.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from notebake.servers.folders import credentials_of
from notebake.servers.place import remember
from tests.limits import HANG_SECONDS
from tests.servers.opened import PROJECT, write_place
from tests.servers.world import Machine

BROWSER = """\
#!{python}
import http.client, re, sys, time, urllib.parse
page = open(urllib.parse.unquote(urllib.parse.urlsplit(sys.argv[-1]).path)).read()
port, path = re.search(r'href="http://127.0.0.1:([0-9]+)([^"]+)"', page).groups()
asking = http.client.HTTPConnection("127.0.0.1", int(port))
asking.request("GET", path.replace("&amp;", "&"))
answer = asking.getresponse()
cookie = answer.getheader("Set-Cookie")
answer.read()
with open({log!r}, "a") as log:
    log.write("%s %s %s %s\\n" % (time.time(), answer.status, "username-" in cookie, sys.argv[-1]))
"""


class Typed:
    """A process of the command, and what its browser has seen."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.log = folder / "browser.log"
        self.output = folder / "output"
        self.began = time.time()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.cli.main", "open", "ocean", *words],
                cwd=PROJECT,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env=environment_of(folder),
            )

    def wait_until_logged_in(self) -> float:
        """Return after how many seconds the browser had its page."""
        deadline = time.monotonic() + HANG_SECONDS
        while not (self.log.exists() and self.log.read_text().endswith("\n")):
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.01)
        at, status, has_cookie, _ = self.log.read_text().splitlines()[-1].split()
        assert (status, has_cookie) == ("200", "True")
        return float(at) - self.began

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(HANG_SECONDS)


def environment_of(folder: Path) -> dict[str, str]:
    """Return the environment: a home of its own, and no AWS."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return plain | {
        "NOTEBAKE_HOME": str(folder / "notebake"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-west-2",
        "BROWSER": str(folder / "browser"),
    }


@contextmanager
def laptop(machine: Machine, folder: Path) -> Iterator[Path]:
    """Give a folder in which the server has been opened before."""
    folder.mkdir(parents=True)
    browser = folder / "browser"
    python = re.sub(r"\s", "", sys.executable)
    browser.write_text(BROWSER.format(python=python, log=str(folder / "browser.log")))
    browser.chmod(0o700)
    environment = environment_of(folder)
    with mock.patch.dict(os.environ, environment, clear=True):
        reached = write_place(machine, folder)
        credentials = credentials_of(environment)
        remember(reached.model_copy(update={"credentials": credentials}))
    yield folder
