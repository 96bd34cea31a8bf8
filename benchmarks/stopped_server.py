"""`notebake open` of a stopped server, against the time that its host itself needs for JupyterLab.

The host's own time is from the answer to StartInstances until JupyterLab answers on the host's own
loopback address, where a program in its network asks every 20 ms. What is beyond it is ours.
"""

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

from benchmarks.own_cloud import OwnCloud, cloud_opened
from benchmarks.program import run_to_end, running
from benchmarks.recipes import write_recipe
from benchmarks.section import Section, Table, at_most
from tests.limits import HANG_SECONDS
from tests.servers.typed import BROWSER

NAME = "bench"
ROUNDS = 7
GOAL_SECONDS = 1.0
NAMESPACES = Path("/run/netns")
WATCHER = """
import http.client, sys, time
while True:
    asking = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
    try:
        asking.request("GET", "/api")
        if asking.getresponse().status == 200:
            break
    except (OSError, http.client.HTTPException):
        pass
    finally:
        asking.close()
    time.sleep(0.02)
print(time.time(), flush=True)
"""


@dataclass(frozen=True)
class Opening:
    """When a stopped server was opened, in seconds since 1970, and how busy the computer was."""

    typed: float
    started: float
    """StartInstances was answered."""
    answered: float
    """JupyterLab answered on the host itself."""
    logged_in: float
    """The browser was answered with 200 and its cookie."""
    load: float

    @property
    def parts(self) -> tuple[float, float, float]:
        """Return the seconds before the start, those of the host, and those after its answer."""
        return (
            self.started - self.typed,
            self.answered - self.started,
            self.logged_in - self.answered,
        )

    @property
    def ours(self) -> float:
        """Return the seconds beyond the host's own."""
        before, _, after = self.parts
        return before + after


def measure_stopped() -> Section:
    """Bake an image, start a server from it, and open it so often after a stop; five minutes.

    Raises:
        RuntimeError: something else failed than what is measured.
    """
    with (
        tempfile.TemporaryDirectory(prefix="nb-", dir="/tmp") as name,
        cloud_opened(Path(name)) as cloud,
    ):
        recipe = write_recipe(cloud.folder, cloud.git_url)
        words = ("build", str(recipe)), ("start", "rehearsal", "--name", NAME, "--yes")
        for each in words:
            notebake(cloud, *each)
        port = read_port(cloud)
        openings = [open_once(cloud, port) for _ in range(ROUNDS + 1)]
    return describe(openings[1:])


def open_once(cloud: OwnCloud, port: int) -> Opening:
    """Stop the server, open it, and return when what happened."""
    notebake(cloud, "stop", NAME)
    log = cloud.folder / "browser.log"
    log.unlink(missing_ok=True)
    instance_id = described(cloud)["InstanceId"]
    (network,) = NAMESPACES.glob(f"*-{instance_id}")
    words = ["ip", "netns", "exec", network.name, sys.executable, "-c", WATCHER, str(port)]
    with (
        running(words, os.environ, PIPE) as watcher,
        running(command("open", NAME), environment_of(cloud), DEVNULL) as opening,
    ):
        typed = time.time()
        logged_in = wait_until_logged_in(log, opening)
        answered = float(watcher.communicate(timeout=HANG_SECONDS)[0])
    calls = [call for call in cloud.ask("calls") if call["action"] == "StartInstances"]
    found = Opening(typed, calls[-1]["time"], answered, logged_in, os.getloadavg()[0])
    shown = ", ".join(f"{seconds:.2f}" for seconds in found.parts)
    sys.stderr.write(f"before the start, of the host, after its answer: {shown}\n")
    return found


def wait_until_logged_in(log: Path, opening: "Popen[bytes]") -> float:
    """Return when the browser had its page."""
    deadline = time.monotonic() + HANG_SECONDS
    while not (log.exists() and log.read_text().endswith("\n")):
        if opening.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("`notebake open` showed no page")
        time.sleep(0.01)
    at, status, has_cookie, _ = log.read_text().splitlines()[-1].split()
    if (status, has_cookie) != ("200", "True"):
        raise RuntimeError(f"the browser was answered {status}, logged in: {has_cookie}")
    return float(at)


def notebake(cloud: OwnCloud, *words: str) -> None:
    """Carry out a command."""
    run_to_end(command(*words), environment_of(cloud), cloud.folder / f"{words[0]}.log")


def command(*words: str) -> list[str]:
    """Return the words of a command of the program."""
    return [sys.executable, "-m", "flows.cli.main", *words]


def environment_of(cloud: OwnCloud) -> Mapping[str, str]:
    """Return the environment, with a browser that writes down when it was logged in."""
    browser = cloud.folder / "browser"
    if not browser.exists():
        log = str(cloud.folder / "browser.log")
        browser.write_text(BROWSER.format(python=sys.executable, log=log))
        browser.chmod(0o700)
    # As installed: Python keeps what it has compiled.
    plain = {
        name: value
        for name, value in cloud.environment.items()
        if name != "PYTHONDONTWRITEBYTECODE"
    }
    return plain | {"BROWSER": str(browser)}


def described(cloud: OwnCloud) -> dict[str, Any]:
    """Return the server as EC2 describes it."""
    from tests.ec2_actions import client

    wanted = [{"Name": "tag:notebake:server", "Values": [NAME]}]
    pages = client("ec2", cloud.api_url).describe_instances(Filters=wanted)["Reservations"]
    return dict(pages[0]["Instances"][0])


def read_port(cloud: OwnCloud) -> int:
    """Return the port of JupyterLab on the host, which the first opening asks for."""
    log = cloud.folder / "browser.log"
    with running(command("open", NAME), environment_of(cloud), DEVNULL) as opening:
        wait_until_logged_in(log, opening)
    marks = {tag["Key"]: tag["Value"] for tag in described(cloud)["Tags"]}
    return int(marks["notebake:jupyter-port"])


def describe(openings: list[Opening]) -> Section:
    """Return what was found."""
    parts = (*zip(*(each.parts for each in openings), strict=True),)
    ours = [each.ours for each in openings]
    names = (
        "from typing until StartInstances was answered",
        "from there until JupyterLab answers on the host",
        "from there until the browser is logged in",
    )
    rows = [*zip(names, parts, strict=True), ("beyond the host's own time", ours)]
    return Section(
        "A stopped server is opened",
        (
            Table(
                (f"of {len(openings)}, s", "median", "least", "longest"),
                tuple(
                    (name, f"{median(each):.2f}", f"{min(each):.2f}", f"{max(each):.2f}")
                    for name, each in rows
                ),
            ),
        ),
        (at_most("beyond the host's own time", median(ours), GOAL_SECONDS, "s"),),
        (
            "Load of this machine meanwhile: "
            + ", ".join(f"{each.load:.1f}" for each in openings)
            + f" on {os.cpu_count()} cores.",
        ),
    )
