"""JupyterLab in Chromium through our tunnel: two servers at once, and a line that breaks."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.browser.person import sitting_at, why_not
from tests.limits import HANG_SECONDS
from tests.servers.opened import OpenedServer, server_opened
from tests.servers.world import Machine, machine_running, why_none
from tests.ssh.own_sshd import free_port

pytestmark = pytest.mark.sandbox
CELLS = ("kept = 6", "print(kept * 7)")
XSRF = """async () => {
    const cookie = document.cookie.match(/_xsrf=([^;]+)/)[1];
    const answer = await fetch('/api/terminals', {
        method: 'POST', headers: {'X-XSRFToken': cookie}, credentials: 'same-origin'});
    return answer.status;
}"""


def write_notebook(machine: Machine) -> None:
    cells = [
        {"cell_type": "code", "id": f"c{number}", "source": code, "metadata": {}, "outputs": []}
        | {"execution_count": None}
        for number, code in enumerate(CELLS)
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}
    (machine.folder / "home/work.ipynb").write_text(json.dumps(whole))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Machine, OpenedServer]]]:
    if reason := why_none() or why_not():
        pytest.skip(reason)
    with ExitStack() as stack:
        made = []
        for name in ("ocean", "ice"):
            folder = tmp_path_factory.mktemp(name)
            machine = stack.enter_context(machine_running(folder / "machine"))
            opened = stack.enter_context(
                server_opened(machine, folder / "laptop", free_port(), seconds=0.5)
            )
            write_notebook(machine)
            made.append((machine, opened))
        yield made


@pytest.fixture(scope="module")
def pages(two: list[tuple[Machine, OpenedServer]]) -> Iterator[list[Any]]:
    """Give a tab for each server, in the same browser with the same cookies."""
    with sitting_at("") as person:
        context = person.page.context.browser.new_context()
        context.set_default_timeout(1000 * HANG_SECONDS)
        yield [context.new_page() for _ in two]
        context.close()


def url_of(opened: OpenedServer) -> str:
    return opened.wait_for("opened")[2]


def test_two_servers_do_not_log_each_other_out(
    two: list[tuple[Machine, OpenedServer]], pages: list[Any]
) -> None:
    for each, (_, opened) in zip(pages, two, strict=True):
        each.goto(url_of(opened))
        each.locator("#jp-top-panel").wait_for()
    for _ in range(2):
        for each, (_, opened) in zip(pages, two, strict=True):
            each.goto(f"http://127.0.0.1:{opened.port}/lab")
            each.locator("#jp-top-panel").wait_for()
            assert "/login" not in each.url
            assert each.evaluate(XSRF) == 200, "what it changes is taken, too"
    names = {cookie["name"] for cookie in pages[0].context.cookies()}
    assert {f"username-127-0-0-1-{opened.port}" for _, opened in two} <= names


def test_a_notebook_goes_on_in_the_same_tab(
    two: list[tuple[Machine, OpenedServer]], pages: list[Any], tmp_path: Path
) -> None:
    (machine, opened), page = two[0], pages[0]
    page.goto(url_of(opened))
    page.goto(f"http://127.0.0.1:{opened.port}/lab/tree/work.ipynb")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    cells.nth(1).wait_for()
    page.get_by_text("Python 3").first.wait_for()
    page.locator("[data-status=idle]").first.wait_for()
    cells.nth(0).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.get_by_text("[1]:").first.wait_for()

    ups = opened.count("LineUp")
    assert machine.end_sessions() > 0
    opened.wait_for("LineUp", ups + 1)
    cells.nth(1).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")

    page.locator(".jp-OutputArea-output", has_text="42").wait_for()
    page.screenshot(path=str(tmp_path / "after.png"))
    assert page.get_by_role("dialog").count() == 0
