"""Every refusal of AWS or botocore becomes one paragraph with a hint."""

import inspect
import string
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import boto3.exceptions
import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from notebake import clock
from notebake.aws import clients, hints
from notebake.aws.client_hooks import WAS_OPEN
from notebake.aws.clients import calling, connect
from notebake.aws.error_codes import may_have_taken_effect
from notebake.aws.session import session
from notebake.clock import RealClock
from notebake.errors import CapacityError, CloudError

UNFORESEEN = "unexpected error"


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    """Read AWS's settings as each test has them."""
    connect.cache_clear()
    session.cache_clear()
    yield
    connect.cache_clear()
    session.cache_clear()


def all_below(kind: type[Exception]) -> list[type[Exception]]:
    """Return a class and all that is derived from it in botocore and boto3."""
    below = [
        subclass for subclass in kind.__subclasses__() if subclass.__module__.startswith("boto")
    ]
    return [kind, *(each for subclass in below for each in all_below(subclass))]


def made(kind: type[Exception]) -> Exception:
    """Return an error of a class, with something in each field that it takes."""
    taken = inspect.signature(kind.__init__).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken):
        text = str(getattr(kind, "fmt", ""))
        fields = [name for _, name, _, _ in string.Formatter().parse(text) if name]
        return kind(**{name: f"some {name}" for name in fields})
    wanted = [
        parameter for parameter in taken if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ][1:]
    return kind(*(f"some {parameter.name}" for parameter in wanted))


def answered(code: str, message: str = "as told", status: int = 400, **headers: str) -> ClientError:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}
    return ClientError(response, "RunInstances")


def caught(error: Exception) -> CloudError:
    """Return what becomes of an error."""
    with pytest.raises(CloudError) as raised, calling("stop i-1"):
        raise error
    return raised.value


KINDS = sorted(
    {*all_below(BotoCoreError), *all_below(boto3.exceptions.Boto3Error), ResponseParserError},
    key=lambda cls: cls.__name__,
)


def test_every_botocore_error_class_is_tested() -> None:
    named = {
        value
        for value in vars(botocore.exceptions).values()
        if isinstance(value, type) and issubclass(value, BotoCoreError)
    }

    assert len(named) > 70
    assert named <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda cls: cls.__name__)
def test_a_botocore_error_becomes_a_notebake_error_with_a_hint(
    kind: type[Exception],
) -> None:
    error = caught(made(kind))

    assert error.message.startswith("Tried to stop i-1; ")
    assert "\n" not in error.message
    assert error.hint
    assert "{" not in error.hint


@pytest.mark.parametrize("kind", KINDS, ids=lambda cls: cls.__name__)
def test_a_botocore_error_while_making_a_client_is_converted_too(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Any:
        raise made(kind)

    monkeypatch.setattr(clients, "_session", fail)

    with pytest.raises(CloudError) as raised:
        connect("ec2", "us-west-2")

    assert raised.value.hint


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("RequestExpired", "Log in again"),
        ("ExpiredToken", "AWS_SESSION_TOKEN"),
        ("ExpiredTokenException", "Log in again"),
        ("InvalidClientTokenId", "get-caller-identity"),
        ("AuthFailure", "get-caller-identity"),
        ("UnauthorizedOperation", "permission"),
        ("AccessDeniedException", "permission"),
        ("PendingVerification", "verifying"),
        ("OptInRequired", "Marketplace"),
        ("Blocked", "support"),
        ("Client.InvalidKMSKey.InvalidState", "kms describe-key"),
        ("KMS.DisabledException", "kms describe-key"),
        ("KMSInvalidStateException", "kms describe-key"),
        ("RequestTimeTooSkewed", "Set the clock"),
        ("ServerInternal", "may pass by itself"),
        ("502", "may pass by itself"),
        ("InsufficientVolumeCapacity", "No room"),
    ],
)
def test_each_refusal_of_aws_has_a_hint(code: str, hint: str) -> None:
    error = caught(answered(code))

    assert code in error.message
    assert hint in error.hint


def test_an_encoded_refusal_names_the_command_that_decodes_it() -> None:
    message = "You are not authorized to perform: ec2:RunInstances."
    error = caught(
        answered(
            "UnauthorizedOperation", f"{message} Encoded authorization failure message: aB-3_x=="
        )
    )

    assert error.message.endswith(message)
    command = error.hint.splitlines()[-1]
    assert "aws sts decode-authorization-message" in command
    assert command.endswith("--encoded-message aB-3_x==")


@pytest.mark.parametrize("status", [500, 502, 504, 520])
def test_a_server_error_may_have_taken_effect(status: int) -> None:
    error = caught(answered("Strange", status=status))

    assert error.is_transient
    assert error.is_outcome_unknown


def test_a_capacity_error_is_reported_and_had_no_effect() -> None:
    error = caught(answered("InsufficientInstanceCapacity", status=500))

    assert isinstance(error, CapacityError)
    assert not error.is_transient
    assert not error.is_outcome_unknown


@pytest.mark.parametrize(
    ("code", "seconds", "is_unknown"),
    [
        ("UnauthorizedOperation", 0, True),
        ("AuthFailure", 3600, True),
        ("InsufficientInstanceCapacity", 0, False),
    ],
)
def test_an_earlier_try_that_may_have_taken_effect_is_not_forgotten(
    code: str, seconds: float, is_unknown: bool
) -> None:
    headers = {"date": formatdate(RealClock().now(), usegmt=True)}
    error = answered(code, status=403, **headers)
    metadata: dict[str, Any] = dict(error.response["ResponseMetadata"])
    metadata[WAS_OPEN] = True
    error.response["ResponseMetadata"] = metadata

    with clock.replaced(Shifted(seconds)):
        assert caught(error).is_outcome_unknown == is_unknown

    assert may_have_taken_effect(code, 403, was_open=True) == is_unknown
    assert not may_have_taken_effect(code, 403)


class Shifted(RealClock):
    """A computer whose clock is set wrong."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> float:
        return super().now() + self.seconds


@pytest.mark.parametrize(
    "code",
    [
        *("AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired"),
        *("RequestTimeTooSkewed", "403"),
    ],
)
@pytest.mark.parametrize(
    ("seconds", "message"),
    [(-3660, "61 minutes behind AWS's"), (1200, "20 minutes ahead of AWS's")],
)
def test_a_wrong_clock_is_named_with_the_difference(
    code: str, seconds: float, message: str
) -> None:
    headers = {"date": formatdate(RealClock().now(), usegmt=True)}
    with clock.replaced(Shifted(seconds)):
        error = caught(answered(code, status=403, **headers))

    assert message in error.message
    assert error.hint == hints.CLOCK


@pytest.mark.parametrize("date", ["", "yesterday", "now"])
def test_a_correct_or_unknown_clock_is_not_blamed(date: str) -> None:
    date_header = formatdate(RealClock().now(), usegmt=True) if date == "now" else date
    error = caught(answered("AuthFailure", status=401, date=date_header))

    assert "clock" not in str(error)


def test_a_wrong_clock_is_not_blamed_for_a_permission() -> None:
    headers = {"date": formatdate(0, usegmt=True)}

    assert "clock" not in str(caught(answered("UnauthorizedOperation", status=403, **headers)))


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("https://ec2.us-wset-2.amazonaws.com/", "us-west-2"),
        ("https://runs.s3.eu-centrl-1.amazonaws.com/x", "eu-central-1"),
        ("https://sts.us-west-2.amazonaws.com/", "network"),
        ("http://127.0.0.1:4566/", "network"),
    ],
)
def test_an_invalid_region_is_named_if_its_host_is_not_found(url: str, hint: str) -> None:
    error = botocore.exceptions.EndpointConnectionError(endpoint_url=url)

    assert hint in caught(error).hint


def test_an_unreadable_credentials_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "credentials"
    secret.write_text("")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(secret))
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path) != secret)

    error = caught(botocore.exceptions.NoCredentialsError())

    assert f"{secret} cannot be read" in error.message
    assert "AWS_PROFILE" in error.hint
