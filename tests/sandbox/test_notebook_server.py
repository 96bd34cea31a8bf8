"""A class's afternoon: a server from a baked image, its notebook in Chromium, stopped and opened.

JupyterLab, the notebook and its figures are real; the browser is Chromium, through our tunnel.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.person import sitting_at, why_not
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import PROJECT, wait_for
from tests.sandbox.bakery import Bakery

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        not os.environ.get("NOTEBAKE_TEST_ALL"), reason="minutes of bakes: make test-all"
    ),
]
RECIPE = PROJECT / "deployments/rehearsal.yaml"
OCEAN = PROJECT / "sandbox/repositories/ocean"
NOTEBOOK = "notebooks/chlorophyll.ipynb"
OUTPUT = ".jp-OutputArea-output"
PICTURE = "NOTEBAKE_PICTURE"
"""The variable that names where the picture of JupyterLab goes."""
URL = re.compile(r"http://127\.0\.0\.1:(\d+)/\S+")


@dataclass
class Desk:
    """Where somebody who uses an image sits: the commands, and a page of the browser."""

    bakery: Bakery
    page: Any

    def type(self, *words: str) -> str:
        done = self.bakery.notebake(*words)
        assert done.exit_code == 0, done.printed
        return done.printed

    def machine(self) -> dict[str, Any]:
        """Return the server as EC2 describes it."""
        wanted = [{"Name": "tag:notebake:server", "Values": ["afternoon"]}]
        pages = self.bakery.cloud.ec2().describe_instances(Filters=wanted)["Reservations"]
        (found,) = [instance for each in pages for instance in each["Instances"]]
        return dict(found)

    def open(self) -> "Opened":
        return Opened(self.bakery.start("open", "afternoon", "--print"))

    def show_notebook(self, port: str) -> None:
        """Show the notebook, as a click in the list of files does, with its kernel at rest."""
        self.page.goto(f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?reset")
        self.page.locator(".jp-Notebook .jp-CodeCell").nth(1).wait_for()
        self.page.locator("[data-status=idle]").first.wait_for()

    def run_all(self) -> None:
        """Press *Run All Cells*, wait for the last cell's verdict, and show the first figure."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_text("Run All Cells", exact=True).click()
        self.page.locator(OUTPUT, has_text="The bloom is where it should be.").wait_for()
        # JupyterLab draws what is in view, and a little more.
        self.page.locator(f"{OUTPUT} img").first.scroll_into_view_if_needed()


@dataclass
class Opened:
    """A running `open`."""

    process: "subprocess.Popen[str]"
    printed: str = ""

    def wait_for_url(self) -> "re.Match[str]":
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed += line
            if found := URL.search(line):
                return found
        raise AssertionError(self.printed)

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=HANG_SECONDS)


@pytest.fixture
def desk(bakery: Bakery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Desk]:
    if reason := why_not():
        pytest.skip(reason)
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    with sitting_at("") as person:
        yield Desk(bakery, person.page)


def bake_rehearsal(desk: Desk) -> None:
    files = {
        str(path.relative_to(OCEAN)): path.read_text()
        for path in (OCEAN / NOTEBOOK, OCEAN / "README.md", OCEAN / "requirements.txt")
    }
    folder = desk.bakery.folder / "ocean"
    (folder / "data").mkdir(parents=True)
    (folder / "data/chlorophyll.nc").write_bytes((OCEAN / "data/chlorophyll.nc").read_bytes())
    address = desk.bakery.cloud.serve("ocean", files, folder)
    recipe = desk.bakery.folder / "class.yaml"
    text = RECIPE.read_text().replace("name: rehearsal\n", "name: class\n", 1)
    recipe.write_text(text.replace("git://10.213.0.1/ocean", address))
    desk.type("build", str(recipe))


def test_a_notebook_is_run_in_the_browser_and_the_server_comes_back(
    desk: Desk, tmp_path: Path
) -> None:
    bake_rehearsal(desk)
    desk.type("start", "class", "--name", "afternoon", "--yes")
    first = desk.machine()["PublicIpAddress"]
    opened = desk.open()
    url = opened.wait_for_url()
    desk.page.goto(url[0])
    desk.page.locator("#jp-top-panel").wait_for()
    desk.show_notebook(url[1])
    desk.run_all()
    desk.page.screenshot(path=os.environ.get(PICTURE) or str(tmp_path / "jupyterlab.png"))
    desk.page.keyboard.press("Control+s")
    desk.page.get_by_text("Saving completed").first.wait_for()
    opened.end()

    desk.type("stop", "afternoon")
    wait_for(lambda: desk.machine()["State"]["Name"] == "stopped", "the server to stop")
    opened = desk.open()
    again = opened.wait_for_url()

    assert desk.machine()["PublicIpAddress"] != first
    assert again[1] == url[1], "the same port, so the same tab"
    desk.page.reload()
    desk.page.locator("#jp-top-panel").wait_for()
    assert "/login" not in desk.page.url, "nobody types a token again"
    desk.page.get_by_text("[1]:").first.wait_for()
    desk.run_all()
    opened.end()
    desk.type("terminate", "afternoon", "--yes")
    wait_for(lambda: desk.machine()["State"]["Name"] == "terminated", "the server to end")
