from typing import Any, cast

import pytest
from prefect.states import Failed

from flows.step_task import is_transient
from notebake.errors import (
    CapacityError,
    CloudError,
    CredentialFoundError,
    HostCommandError,
    HostUnreachableError,
    ImageNotAcceptedError,
    LoginRefusedError,
    NotebookError,
    PreflightError,
    ResourceLostError,
    RunStoreError,
    WaitTimeoutError,
)
from notebake.runs.lock import RunLostError


def caused(error: Exception, cause: Exception) -> Exception:
    """Return an error as `raise … from …` leaves it."""
    error.__cause__ = cause
    return error


PASSING = [
    HostUnreachableError("no route"),
    CloudError("slow down", "", "RequestLimitExceeded", is_transient=True),
    CloudError("no answer", "", "NoAnswer", is_transient=True, is_outcome_unknown=True),
    CloudError("not allowed yet", "", "UnauthorizedOperation"),
    CloudError("not freed yet", "", "VcpuLimitExceeded"),
    ConnectionResetError("reset"),
    caused(RunStoreError("not read"), CloudError("slow", "", "SlowDown", is_transient=True)),
]
FOR_A_PERSON = [
    caused(RunStoreError("not read"), CloudError("no", "", "AccessDenied")),
    LoginRefusedError("wrong key"),
    CloudError("not there", "", "InvalidAMIID.NotFound"),
    CloudError("done before, maybe", "", "AccessDenied", is_outcome_unknown=True),
    CloudError("of our own"),
    ResourceLostError("gone"),
    CapacityError("full", "", "InsufficientInstanceCapacity"),
    HostCommandError("192.0.2.7", "make", 2, ""),
    ImageNotAcceptedError("differs"),
    RunLostError("another has it"),
    NotebookError("cell 3"),
    PreflightError("no subnet"),
    CredentialFoundError("a key"),
    WaitTimeoutError("in vain"),
    InterruptedError("interrupted"),
    KeyError("a mistake of ours"),
    FileNotFoundError("none"),
]


def is_tried_again(error: Exception) -> bool:
    return is_transient(cast(Any, None), cast(Any, None), Failed(data=error))


@pytest.mark.parametrize("error", PASSING, ids=lambda error: f"{type(error).__name__} {error}")
def test_transient_errors_are_retried(error: Exception) -> None:
    assert is_tried_again(error)


@pytest.mark.parametrize("error", FOR_A_PERSON, ids=lambda error: type(error).__name__)
def test_permanent_errors_are_not_retried(error: Exception) -> None:
    assert not is_tried_again(error)
