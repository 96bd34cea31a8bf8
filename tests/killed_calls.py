"""A process that ends before or after one of its changing calls to AWS."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from notebake.aws.clients import connect
from tests.cloud_world import REGION

READING = ("Describe", "Get")


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(
    number: int, *, is_after: bool, services: Sequence[str] = ("ec2",)
) -> Iterator[list[str]]:
    """End the block before or after its n-th changing call; give the names of those sent."""
    sent: list[str] = []
    # A launch is tried once, by a client of its own.
    clients = [(each, connect(each, REGION)) for each in services]
    clients.append(("ec2", connect("ec2", REGION, tries=1)))

    def before(event_name: str, **_: Any) -> None:
        name = event_name.rpartition(".")[2]
        if name.startswith(READING):
            return
        sent.append(name)
        if len(sent) == number and not is_after:
            raise Killed

    def after(event_name: str, **_: Any) -> None:
        if len(sent) == number and event_name.rpartition(".")[2] == sent[-1]:
            raise Killed

    hooks = {"before-send": before} | ({"after-call": after} if is_after else {})
    for service, client in clients:
        for event, hook in hooks.items():
            client.meta.events.register(f"{event}.{service}", hook)
    try:
        yield sent
    finally:
        for service, client in clients:
            for event, hook in hooks.items():
                client.meta.events.unregister(f"{event}.{service}", hook)


def killed_during(
    act: Callable[[], object], number: int, *, is_after: bool, services: Sequence[str] = ("ec2",)
) -> str:
    """Do it, ended at its n-th changing call; return that call, or "" if it makes fewer."""
    with killed_at(number, is_after=is_after, services=services) as sent:
        try:
            act()
        except Killed:
            return sent[-1]
    return ""
