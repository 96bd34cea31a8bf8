"""The AWS command line, in the words of the tests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.clients.programs import Program
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import wait_for

REFUSED = (254, 255)
"""The exit codes of version 2 and of version 1."""


class AwsLine(Program):
    """`aws`, with the sandbox's address as its option."""

    def words(self, service: str, *words: str) -> tuple[str, ...]:
        return ("--endpoint-url", self.environment["SANDBOX"], service, *words)

    def ask(self, *words: str, query: str = "@") -> Any:
        """Return what a call of EC2 answers."""
        printed = self.run(*self.words("ec2", *words, "--query", query, "--output", "json"))
        return json.loads(printed) if printed else None

    def until(self, *words: str, query: str, wanted: str) -> None:
        """Ask until the answer is the wanted one."""
        wait_for(lambda: self.ask(*words, query=query) == wanted, wanted, HANG_SECONDS)

    def refusal(self, *words: str) -> str:
        """Return the line in which the program says why EC2 has refused."""
        code, _, errors = self.try_to_run(*self.words("ec2", *words))
        assert code in REFUSED, errors
        return errors.strip()

    def wait(self, state: str, *words: str) -> None:
        """Wait as the program itself does: it looks at once, and then each 15 s."""
        self.run(*self.words("ec2", "wait", state, *words))

    @contextmanager
    def waiting(self, state: str, *words: str) -> Iterator[None]:
        """Let it wait beside what the block does, longer than that if it must."""
        with self.start(*self.words("ec2", "wait", state, *words)) as process:
            try:
                yield
                _, errors = process.communicate(timeout=HANG_SECONDS)
            finally:
                process.kill()
        assert process.returncode == 0, errors
