"""Converts errors of AWS and botocore into a CloudError with a hint."""

import os
import re
from email.utils import parsedate_to_datetime

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ProxyConnectionError,
    SSLError,
)

from notebake import clock
from notebake.aws import addresses, hints, settings
from notebake.aws.certificate import find_issuer, is_untrusted
from notebake.aws.client_hooks import WAS_OPEN
from notebake.aws.error_codes import is_placement_error, is_transient_code, may_have_taken_effect
from notebake.errors import CapacityError, CloudError

ENCODED = re.compile(r"\s*Encoded authorization failure message: (\S+)")
CLOCK_CODES = frozenset(
    (
        *("AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException"),
        *("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "400", "403"),
    )
)
"""Codes for a signature with a wrong time, among other reasons; the numbers are S3's responses to a
HEAD, which have no body."""
CLOCK_MINUTES = 4
"""AWS accepts signatures up to five minutes before or after its own time (IAM user guide,
"Elements of an AWS API request signature")."""


def refusal_error(what: str, error: ClientError) -> CloudError:
    """Return the CloudError for an error response of AWS."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    answer = str(error.response.get("Error", {}).get("Message", ""))
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    is_transient = is_transient_code(code, status)
    is_unknown = may_have_taken_effect(code, status, was_open=bool(metadata.get(WAS_OPEN)))
    message = f"Tried to {what}; AWS answered {code}: {ENCODED.sub('', answer)}"
    if code in CLOCK_CODES and (wrong := describe_clock(metadata.get("HTTPHeaders", {}))):
        return CloudError(f"{message} {wrong}", hints.CLOCK, code, is_outcome_unknown=is_unknown)
    if is_placement_error(code):
        return CapacityError(message, hints.NO_ROOM, code)
    hint = hints.hint_for_code(code)
    if code in CLOCK_CODES:
        hint = addresses.region_hint(answer) or hint
    if encoded := ENCODED.search(answer):
        hint = f"{hint}\n{hints.decode(encoded[1])}"
    elif hint == hints.LOG_IN:
        hint = f"{hint} {settings.renewal_hint()}".strip()
    if is_transient and not hint:
        hint = hints.TRANSIENT
    return CloudError(message, hint, code, is_transient, is_unknown)


def no_answer_error(what: str, error: Exception) -> CloudError:
    """Return the CloudError for a missing or unreadable response."""
    message = f"Tried to {what}; no answer from AWS: {one_line(error)}"
    if isinstance(error, SSLError) and is_untrusted(error):
        return untrusted(message, error)
    hint = hints.NO_ANSWER
    if isinstance(error, EndpointConnectionError):
        hint = addresses.region_hint(str(error.kwargs.get("endpoint_url", ""))) or hint
    if isinstance(error, ProxyConnectionError) or type(error) is HTTPClientError:
        hint = addresses.proxy_hint() or hint
    return CloudError(message, hint, "NoAnswer", True, True)


def configuration_error(what: str, error: Exception) -> CloudError:
    """Return the CloudError for a call that was not sent because of this computer's settings."""
    if isinstance(error, NoCredentialsError):
        return CloudError(
            f"Tried to {what}; no AWS credentials were found{settings.format_unreadable()}.",
            hints.NO_CREDENTIALS,
        )
    message = f"Tried to {what}; the call could not be sent: {one_line(error)}"
    return CloudError(message, settings.hint_for(error))


def untrusted(message: str, error: SSLError) -> CloudError:
    """Return the CloudError for an untrusted server certificate, with its issuer."""
    issuer = find_issuer(str(error.kwargs.get("endpoint_url", "")))
    signed = f" The server's certificate is signed by: {issuer}." if issuer else ""
    bundle = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or ""
    return CloudError(f"{message}{signed}", hints.untrusted(bundle))


def describe_clock(headers: dict[str, str]) -> str:
    """Return by how much this computer's clock is wrong; "" if it is accurate enough."""
    try:
        server_seconds = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except ValueError:
        return ""
    minutes = (clock.now() - server_seconds) / 60
    if abs(minutes) < CLOCK_MINUTES:
        return ""
    way = "ahead of" if minutes > 0 else "behind"
    return f"The clock of this computer is {abs(minutes):.0f} minutes {way} AWS's."


def one_line(error: Exception) -> str:
    """Return the message of an error without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__
