"""The errors of notebake: a class for each case in which a caller acts differently.

The message says what was tried, on what, and what came back; `hint` says what to do about it, and
`next_commands` what to type next.
"""

import shlex
from collections.abc import Sequence
from typing import NamedTuple, Self

from notebake.error_excerpt import error_excerpt


class NextCommand(NamedTuple):
    """A command of notebake to be typed next. Who prints it knows where the run store lies."""

    words: tuple[str, ...]
    """What is typed after `notebake` and its `--store`."""
    purpose: str = "To go on"

    def command_line(self, store: str = "") -> str:
        """Return what is typed, with the run store where one was named."""
        place = ("--store", store) if store else ()
        return shlex.join(("notebake", *place, *self.words))


def resume(run_id: str, *options: str, purpose: str = "To go on") -> NextCommand:
    """Return the command that continues a run."""
    return NextCommand(("resume", run_id, *options), purpose)


def describe_next(commands: Sequence[NextCommand], store: str = "") -> list[str]:
    """Return a line for each command, one below the other; the same command is listed once."""
    once: dict[tuple[str, ...], NextCommand] = {}
    for command in commands:
        once.setdefault(command.words, command)
    width = max((len(command.purpose) for command in once.values()), default=0) + 1
    return [
        f"{f'{command.purpose}:':<{width}}  {command.command_line(store)}"
        for command in once.values()
    ]


class Advice(NamedTuple):
    """What a person reads and types after a failure."""

    text: str
    next_commands: tuple[NextCommand, ...] = ()

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.text, *describe_next(self.next_commands))))


class NotebakeError(Exception):
    """Base of all errors that are printed as one paragraph, without a traceback."""

    next_commands: tuple[NextCommand, ...] = ()

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.message, str(self.advice))))

    @property
    def advice(self) -> Advice:
        """The hint and the next commands; as text they do not say where the run store lies."""
        return Advice(self.hint, self.next_commands)

    def with_next(self, *commands: NextCommand) -> Self:
        self.next_commands += commands
        return self


class RecipeError(NotebakeError):
    """The recipe is invalid or contradicts itself. Nothing was created."""


class PreflightError(NotebakeError):
    """Something that the run needs is missing. Nothing was created."""


EVENTUALLY_GRANTED_CODES = frozenset(("UnauthorizedOperation", "VcpuLimitExceeded"))
"""Errors that may pass by themselves: permissions and freed quota take seconds to take effect."""


class CloudError(NotebakeError):
    """AWS refused a call; `code` is AWS's error code, or NoAnswer if no response came.

    Attributes:
        is_transient: The same call may succeed later.
        is_outcome_unknown: This call, or the identical call sent just before it, may have taken
            effect.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        code: str = "",
        is_transient: bool = False,
        is_outcome_unknown: bool = False,
    ) -> None:
        Exception.__init__(self, message, hint, code, is_transient, is_outcome_unknown)
        self.message, self.hint, self.code = message, hint, code
        self.is_transient, self.is_outcome_unknown = is_transient, is_outcome_unknown


class WrongAccountError(CloudError):
    """The run belongs to another account than the credentials, or that cannot be ruled out.

    A resource that this account does not show may still exist. Nothing was changed.
    """


class ResourceLostError(NotebakeError):
    """A machine or an image of the run is gone: the run has to make it again."""


class CapacityError(CloudError):
    """No zone has capacity for the instance type at present."""


class NameTakenError(NotebakeError):
    """A name that the run needs belongs to a resource that the run did not create."""


class WaitTimeoutError(NotebakeError):
    """A wait timed out."""


class HostUnreachableError(NotebakeError):
    """The host does not answer over ssh, or shows another host key than the expected one."""


class WrongHostKeyError(HostUnreachableError):
    """Whoever answers at the address shows another host key than the expected one."""


class PortClosedError(HostUnreachableError):
    """The host answers over ssh, but nothing listens on the port behind the tunnel."""


class LoginRefusedError(HostUnreachableError):
    """The host answers over ssh but refuses the key."""


class KeyTypeRefusedError(LoginRefusedError):
    """The host accepts no key of this type, as in FIPS mode: another try gives the same result."""


class SessionRefusedError(NotebakeError):
    """The host accepts the ssh login but opens no session."""


class TunnelForbiddenError(NotebakeError):
    """The sshd of the host forbids ssh tunnels to the port."""


class LoginShellError(NotebakeError):
    """The login shell of the host did not run the command, so there is no result."""


class HostCommandError(NotebakeError):
    """A command on the host ended with a non-zero exit code."""

    def __init__(
        self, host: str, command: str, exit_code: int, output: str, hint: str = ""
    ) -> None:
        Exception.__init__(self, host, command, exit_code, output, hint)
        self.host, self.command, self.exit_code, self.output = host, command, exit_code, output
        excerpt = error_excerpt(output)
        self.message = (
            f"On {host}, this command failed with exit code {exit_code}: {command}\n{excerpt}"
        )
        self.hint = hint

    def with_hint(self, hint: str) -> "HostCommandError":
        return HostCommandError(self.host, self.command, self.exit_code, self.output, hint)


class DiskFullError(HostCommandError):
    """A disk of the host was full while a command ran; `words` name the disk."""

    def __init__(self, host: str, command: str, output: str, words: str, hint: str) -> None:
        super().__init__(host, command, -1, output)
        Exception.__init__(self, host, command, output, words, hint)
        tail = "\n".join(output.strip().splitlines()[-5:])
        self.message, self.hint = f"On {host}, {command}: {words}.\n{tail}".rstrip(), hint


class NotebookError(NotebakeError):
    """The notebook failed, or ran but did not show what the recipe requires."""


class CredentialFoundError(NotebakeError):
    """The image would contain a credential. The message names files, never the credential."""


class ImageNotAcceptedError(NotebakeError):
    """A machine that booted from the new image failed the acceptance test."""


class RunStoreError(NotebakeError):
    """The run store lacks something that it must hold, or cannot be read or written."""


class VersionsDeniedError(RunStoreError):
    """What a run store keeps of replaced and deleted contents may not be read."""


class RunLockedError(NotebakeError):
    """Another process holds the run lock."""


class TearDownError(NotebakeError):
    """The tear-down of a run left resources behind."""

    def __init__(self, run_id: str, remaining: tuple[str, ...], failures: tuple[str, ...]) -> None:
        Exception.__init__(self, run_id, remaining, failures)
        left = ", ".join(remaining) or "nothing that carries its tag"
        why = " ".join(failures)
        self.message = f"The tear-down of run {run_id} left: {left}. {why}".strip()
        self.hint = ""
        self.next_commands = (NextCommand(("tear-down", run_id), "Try again with"),)


def next_commands_of(error: BaseException) -> tuple[NextCommand, ...]:
    """Return the commands that an error of any kind carries."""
    return getattr(error, "next_commands", ())


def is_retryable(error: object) -> bool:
    """Return whether the failure may pass by itself; all others need a person."""
    if isinstance(error, CloudError):
        return error.is_transient or error.code in EVENTUALLY_GRANTED_CODES
    if isinstance(error, RunStoreError) and isinstance(error.__cause__, CloudError):
        return error.__cause__.is_transient
    if isinstance(error, HostUnreachableError):
        return not isinstance(error, LoginRefusedError)
    return isinstance(error, ConnectionError) and not isinstance(error, NotebakeError)
