"""What can go wrong, as far as a caller would act differently.

Every message says what was tried, on what, and what came back; `hint` says what to type next.
"""

from notebake.ending import end_that_matters


class NotebakeError(Exception):
    """Base of all errors that a person should read as one paragraph."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class RecipeError(NotebakeError):
    """The recipe is wrong or contradicts itself. Nothing has been made."""


class PreflightError(NotebakeError):
    """Something that the run needs is not there. Nothing has been made."""


LATE_CODES = frozenset(("UnauthorizedOperation", "VcpuLimitExceeded"))
"""Refusals that hold, but may be late: permissions and freed quota take some seconds to arrive."""


class CloudError(NotebakeError):
    """AWS refused a call, for the reason given by its error code; NoAnswer where none came.

    Attributes:
        is_passing: The same call may work in a while.
        is_open: This call may have taken effect, or the same one that was sent just before it.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        code: str = "",
        is_passing: bool = False,
        is_open: bool = False,
    ) -> None:
        Exception.__init__(self, message, hint, code, is_passing, is_open)
        self.message, self.hint, self.code = message, hint, code
        self.is_passing, self.is_open = is_passing, is_open


class WrongAccountError(CloudError):
    """A run belongs to another account than these credentials, or nobody can tell that it does not.

    What is not shown here proves nothing: nothing was changed, and nothing may be.
    """


class LostError(NotebakeError):
    """A machine or an image that the run had made is gone: going on means to make it again."""


class CapacityError(CloudError):
    """No zone has room for the instance type at present."""


class NotOursError(NotebakeError):
    """A name that the run needs is taken by something that the run did not make."""


class WaitTimeoutError(NotebakeError):
    """Something did not become true in time."""


class HostUnreachableError(NotebakeError):
    """The host does not answer over ssh, or its key is not the expected one."""


class LoginRefusedError(HostUnreachableError):
    """The host answers over ssh but does not accept the key."""


class KeyKindRefusedError(LoginRefusedError):
    """The host takes no key of this kind at all, as in FIPS mode: another login is the same."""


class SessionRefusedError(NotebakeError):
    """The host lets us in over ssh and then opens no session."""


class TunnelForbiddenError(NotebakeError):
    """The host leads no ssh tunnel to its port, whether or not somebody listens there."""


class UnframedAnswerError(NotebakeError):
    """The login shell of the host did not run what it was given, so that there is no answer."""


class HostCommandError(NotebakeError):
    """A command on the host ended with a non-zero exit code."""

    def __init__(
        self, host: str, command: str, exit_code: int, output: str, hint: str = ""
    ) -> None:
        Exception.__init__(self, host, command, exit_code, output, hint)
        self.host, self.command, self.exit_code, self.output = host, command, exit_code, output
        told = end_that_matters(output)
        self.message = f"On {host}, this ended with exit code {exit_code}: {command}\n{told}"
        self.hint = hint

    def with_hint(self, hint: str) -> "HostCommandError":
        """Return the same error with what to do about it."""
        return HostCommandError(self.host, self.command, self.exit_code, self.output, hint)


class DiskFullError(HostCommandError):
    """A command on the host found no room on a disk; `words` say on which."""

    def __init__(self, host: str, command: str, output: str, words: str, hint: str) -> None:
        super().__init__(host, command, -1, output)
        Exception.__init__(self, host, command, output, words, hint)
        tail = "\n".join(output.strip().splitlines()[-5:])
        self.message, self.hint = f"On {host}, {command}: {words}.\n{tail}".rstrip(), hint


class NotebookError(NotebakeError):
    """The notebook failed, or ran but did not prove what the recipe asks for."""


class SecretFoundError(NotebakeError):
    """A credential would have entered the image; the message names files, never secrets."""


class ImageNotAcceptedError(NotebakeError):
    """A machine booted from the new image did not pass the test."""


class RunStoreError(NotebakeError):
    """The run store does not hold what it should, or cannot be written."""


class RunIsHeldError(NotebakeError):
    """Another process is executing this run."""


class TearDownError(NotebakeError):
    """Something of a run is still there after its tear-down."""

    def __init__(self, run_id: str, remaining: tuple[str, ...], failures: tuple[str, ...]) -> None:
        Exception.__init__(self, run_id, remaining, failures)
        left = ", ".join(remaining) or "nothing that carries its tag"
        why = " ".join(failures)
        self.message = f"Tearing down run {run_id} left: {left}. {why}".strip()
        self.hint = f"Try again with: notebake tear-down {run_id}"


def is_worth_a_retry(error: object) -> bool:
    """Tell whether a failure may pass by itself; every other one is for a person."""
    if isinstance(error, CloudError):
        return error.is_passing or error.code in LATE_CODES
    if isinstance(error, RunStoreError) and isinstance(error.__cause__, CloudError):
        return error.__cause__.is_passing
    if isinstance(error, HostUnreachableError):
        return not isinstance(error, LoginRefusedError)
    return isinstance(error, ConnectionError) and not isinstance(error, NotebakeError)
