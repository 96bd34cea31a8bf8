"""Deployments and their schedules on Prefect's pages: duplicated, switched on and off, read."""

from dataclasses import dataclass
from typing import Any

from tests.browser.person import Person

ROW = ".flow-run-list .state-list-item"
"""Of the list alone: what is to come next stands above it (the pages of prefect 3.8.8)."""
COMING = ("Scheduled", "Late", "Pending", "Submitting", "Running")
CELLS = """rows => rows.map(row => {
    const link = row.querySelector("a[href*='/runs/flow-run/']");
    const badge = row.querySelector(".state-badge");
    return [link.getAttribute("href"), link.innerText.trim(), badge.innerText.trim()];
})"""
"""Reads the rows at one moment: the page draws them anew by itself."""


@dataclass(frozen=True)
class Row:
    """A flow run as the list of its deployment's page shows it."""

    id: str
    name: str
    state: str

    @property
    def has_ended(self) -> bool:
        return self.state not in COMING


@dataclass(frozen=True)
class Scheduled:
    """A deployment of a person's own, on whose pages its schedule is seen to."""

    person: Person
    id: str

    @property
    def page(self) -> Any:
        return self.person.page

    def open(self) -> None:
        """Open its page, and wait for the list of its flow runs, a hundred on a page."""
        address = f"{self.person.url}/deployments/deployment/{self.id}"
        self.page.goto(f"{address}?tab=Runs&runs.limit=100")
        none = self.page.get_by_text("No runs found")
        none.or_(self.page.locator(ROW)).first.wait_for()

    def set_schedule(self, minutes: int) -> None:
        """Press “+ Schedule”, fill in the interval, and press Save."""
        self.open()
        self.page.get_by_role("button", name="Schedule", exact=True).click()
        dialog = self.page.get_by_role("dialog")
        dialog.locator("input[type=number]").fill(str(minutes))
        dialog.get_by_role("button", name="Save").click()
        self.switch.wait_for()
        assert self.is_on()

    def switch_off(self) -> None:
        """Switch its schedule off, and see that nothing is to come any more."""
        self.open()
        if self.is_on():
            self.switch.click()
        self.person.wait(lambda: not self.is_on(), "the switch of the schedule")
        self.page.goto(f"{self.person.url}/deployments/deployment/{self.id}?tab=Upcoming")
        self.page.get_by_text("No runs found").wait_for()

    @property
    def switch(self) -> Any:
        return self.page.locator(".deployment-schedule-card").get_by_role("switch")

    def is_on(self) -> bool:
        return bool(self.switch.get_attribute("aria-checked") == "true")

    def read_rows(self) -> list[Row]:
        """Return the flow runs of the list."""
        self.open()
        found = self.page.locator(ROW).evaluate_all(CELLS)
        return [
            Row(id=href.rpartition("/")[2], name=name, state=state) for href, name, state in found
        ]


def duplicate(person: Person, of: str, name: str, **fields: str) -> Scheduled:
    """Make a copy of a deployment on its page “Duplicate”; it has no schedule, and no limit.

    `fields` are what is typed; the current image follows what it bakes.
    """
    original = _find(person, of)
    person.page.goto(f"{person.url}/deployments/deployment/{original}/duplicate")
    person.page.get_by_text("Parameters", exact=True).wait_for()
    person.fill("Name", name)
    person.fill("Concurrency Limit", "")
    for field, value in fields.items():
        person.fill(field, value)
    promote = person.page.locator(".p-label", has_text="promote")
    promote.get_by_role("switch").click()
    person.page.get_by_role("button", name="Save").click()
    person.page.wait_for_url(lambda url: "/duplicate" not in url)
    return Scheduled(person, _find(person, name))


def read_message(person: Person, flow_run_id: str) -> str:
    """Return the whole message of the state, as the tab “Details” of the flow run shows it."""
    person.open(flow_run_id)
    person.page.get_by_text("Details", exact=True).first.click()
    entry = person.page.locator(".p-key-value", has_text="State Message").first
    entry.wait_for()
    more = entry.get_by_text("See More")
    if more.count():
        more.click()
    text = str(entry.inner_text()).removeprefix("State Message").removesuffix("See Less")
    return " ".join(text.split())


def read_artifact(person: Person, flow_run_id: str, key: str) -> str:
    """Open an artifact of a flow run by its tab “Artifacts”, and return the text of its page."""
    person.open(flow_run_id)
    person.page.get_by_text("Artifacts", exact=True).first.click()
    person.page.get_by_role("link", name=key).first.click()
    person.page.get_by_text("Show raw data").wait_for()
    return str(person.page.locator("#app").inner_text())


def _find(person: Person, deployment: str) -> str:
    wanted = {"deployments": {"name": {"any_": [deployment]}}}
    (found,) = person.api("/deployments/filter", wanted)
    return str(found["id"])
