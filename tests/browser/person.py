"""A person at Prefect's UI: reads its pages, fills in its forms, and presses its buttons."""

import importlib
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.clients.install import INSTALLED, LOCKS, is_installed
from tests.limits import HANG_SECONDS

NAME = "browser"
CONFIRM = re.compile("Confirm|Submit|Retry|Resume")
PAGE_SECONDS = 120
"""How long a page may take to show what is looked for."""
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED", "PAUSED")


def why_not() -> str:
    """Return why there is no browser; "" if there is one."""
    if not shutil.which("chromium"):
        return "chromium is not installed"
    if not is_installed(NAME, LOCKS[NAME]):
        return "playwright, which drives the browser, is not installed: make clients"
    return ""


class Person:
    """A person with one page open."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.url = url

    def api(self, path: str, wanted: dict[str, Any] | None = None) -> Any:
        """Ask what the pages ask themselves."""
        url = f"{self.url}/api{path}"
        answer = httpx.post(url, json=wanted) if wanted is not None else httpx.get(url)
        return answer.raise_for_status().json()

    def start(self, deployment: str, *switched_on: str, **fields: str) -> str:
        """Fill in the form of a deployment, press Submit, and return the id of the flow run."""
        found = self.api("/deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
        known = {each["id"] for each in self.api("/flow_runs/filter", {})}
        self.page.goto(f"{self.url}/deployments/deployment/{found[0]['id']}/run")
        self.page.get_by_text("Parameters", exact=True).wait_for()
        for name, value in fields.items():
            self.fill(name, value)
        for name in switched_on:
            self.switch_on(name)
        self.page.get_by_role("button", name="Submit").click()
        deadline = time.monotonic() + HANG_SECONDS
        while time.monotonic() < deadline:
            new = [each for each in self.api("/flow_runs/filter", {}) if each["id"] not in known]
            if new:
                return str(new[0]["id"])
            time.sleep(0.2)
        raise AssertionError("the form started nothing")

    def fill(self, name: str, value: str) -> None:
        """Type into a field; its label is its name."""
        self._field(name).locator("textarea, input").first.fill(value)

    def switch_on(self, name: str) -> None:
        """Press a switch that is off; its label is its name."""
        switch = self._field(name).get_by_role("switch")
        assert switch.get_attribute("aria-checked") == "false"
        switch.click()

    def _field(self, name: str) -> Any:
        """Return the field of a parameter; the name of the run is none."""
        label = self.page.locator(
            ".schema-form-property__label", has_text=re.compile(rf"^\s*{name}( \(Optional\))?\s*$")
        )
        return self.page.locator(".schema-form-property", has=label)

    def open(self, flow_run_id: str) -> None:
        self.page.goto(f"{self.url}/runs/flow-run/{flow_run_id}")
        self.page.get_by_text("Artifacts", exact=True).first.wait_for()

    def press(self, flow_run_id: str, button: str) -> None:
        """Press a button of the page of a flow run, and the one that confirms it."""
        self.open(flow_run_id)
        self.page.get_by_role("button", name=button).first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name=CONFIRM).last.click()

    def answer(self, flow_run_id: str, *chosen: str, **typed: str) -> None:
        """Press Resume and fill in the form: `chosen` from its lists in order; press Submit."""
        self.open(flow_run_id)
        self.page.get_by_role("button", name="Resume").first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_text("Decision", exact=True).wait_for()
        # The list opens by a click on its arrow, or by a key.
        arrows = dialog.locator(".p-select-button__icon")
        for number, choice in enumerate(chosen):
            arrows.nth(number).click()
            self.page.locator(".p-select-option", has_text=choice).first.click()
        for name, value in typed.items():
            label = self.page.get_by_text(name.capitalize(), exact=True)
            field = dialog.locator(".p-label", has=label).last
            field.locator("textarea, input").first.fill(value)
        dialog.get_by_role("button", name="Submit").click()

    def state(self, flow_run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api(f"/flow_runs/{flow_run_id}")["state"]
        return found

    def wait_until_step(self, flow_run_id: str, title: str) -> None:
        """Wait until a step is being carried out."""
        wanted = {"flow_runs": {"id": {"any_": [flow_run_id]}}}

        def is_running() -> bool:
            tasks = self.api("/task_runs/filter", wanted)
            return any(
                each["name"] == title and (each["state"] or {}).get("type") == "RUNNING"
                for each in tasks
            )

        self.wait(is_running, f"“{title}” to run")

    def wait_for_end(self, flow_run_id: str, *wanted: str) -> dict[str, Any]:
        """Wait until the flow run is in a state that lasts; return that state."""
        self.wait(
            lambda: self.state(flow_run_id)["type"] in (wanted or FINAL),
            f"flow run {flow_run_id} to end",
        )
        return self.state(flow_run_id)

    def wait(self, condition: Any, what: str) -> None:
        deadline = time.monotonic() + HANG_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"waited {HANG_SECONDS} s for {what}"
            time.sleep(0.3)

    def read_artifact(self, flow_run_id: str) -> str:
        """Open the newest artifact of a flow run, and return the text that the page shows."""
        wanted = {"artifacts": {"flow_run_id": {"any_": [flow_run_id]}}, "sort": "CREATED_DESC"}
        artifact = self.api("/artifacts/filter", wanted)[0]
        self.page.goto(f"{self.url}/artifacts/artifact/{artifact['id']}")
        # Its Markdown is rendered after the page has its other headings.
        self.page.locator(".markdown-renderer > *").first.wait_for()
        return str(self.page.locator("#app").inner_text())


@contextmanager
def sitting_at(url: str) -> Iterator[Person]:
    """Open a browser at Prefect's UI."""
    packages = next((INSTALLED / NAME / "lib").glob("python3.*/site-packages"))
    sys.path.append(str(packages))
    try:
        playwright = importlib.import_module("playwright.sync_api")
        with playwright.sync_playwright() as started:
            browser = started.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(PAGE_SECONDS * 1000)
            yield Person(page, url)
            browser.close()
    finally:
        sys.path.remove(str(packages))
