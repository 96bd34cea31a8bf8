"""What AWS, or botocore in its place, says no with, as one paragraph and what to type next."""

import re

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ProxyConnectionError,
    SSLError,
)

from notebake.aws import addresses, hints, settings, settings_files
from notebake.aws.certificate import bundle_in_use, find_issuer, is_untrusted
from notebake.aws.meaning import is_of_place, is_passing
from notebake.aws.repeating import WAS_OPEN
from notebake.aws.server_time import minutes_apart
from notebake.errors import CapacityError, CloudError

ENCODED = re.compile(r"\s*Encoded authorization failure message: (\S+)")
CLOCK_CODES = frozenset(
    (
        *("AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException"),
        *("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "400", "403"),
    )
)
"""With these AWS refuses a signature whose time is not its own, and others; the bare numbers are
S3's answers to a HEAD, which have no body."""
CLOCK_MINUTES = 4
"""AWS takes signatures of up to five minutes before or after its own time (IAM user guide,
"Elements of an AWS API request signature")."""


def as_refused(what: str, error: ClientError) -> CloudError:
    """Return AWS's own refusal as ours."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    answer = str(error.response.get("Error", {}).get("Message", ""))
    told = error.response.get("ResponseMetadata", {})
    passes = is_passing(code, told.get("HTTPStatusCode", 0))
    message = f"Tried to {what}; AWS answered {code}: {ENCODED.sub('', answer)}"
    if code in CLOCK_CODES and (wrong := clock_of(told.get("HTTPHeaders", {}))):
        return CloudError(f"{message} {wrong}", hints.CLOCK, code)
    if is_of_place(code):
        return CapacityError(message, hints.NO_ROOM, code)
    hint = hints.of_code(code)
    if encoded := ENCODED.search(answer):
        hint = f"{hint}\n{hints.decode(encoded[1])}"
    elif hint == hints.LOG_IN:
        hint = f"{hint} {settings.how_to_renew()}".strip()
    if passes and not hint:
        hint = hints.PASSING
    return CloudError(message, hint, code, passes, passes or bool(told.get(WAS_OPEN)))


def as_unanswered(what: str, error: Exception) -> CloudError:
    """Return that there was no answer, or none that could be read, as an error of ours."""
    message = f"Tried to {what}; no answer from AWS: {in_one_line(error)}"
    if isinstance(error, SSLError) and is_untrusted(error):
        return untrusted(message, error)
    hint = hints.NO_ANSWER
    if isinstance(error, EndpointConnectionError):
        hint = addresses.about_region_in(str(error.kwargs.get("endpoint_url", ""))) or hint
    if isinstance(error, ProxyConnectionError) or type(error) is HTTPClientError:
        hint = addresses.about_proxy() or hint
    return CloudError(message, hint, "NoAnswer", True, True)


def as_unasked(what: str, error: Exception) -> CloudError:
    """Return that nothing could be asked, as AWS's settings on this computer are wrong."""
    if isinstance(error, NoCredentialsError):
        return CloudError(
            f"Tried to {what}; no AWS credentials were found{settings_files.format_unreadable()}.",
            hints.NO_CREDENTIALS,
        )
    said = in_one_line(error)
    return CloudError(f"Tried to {what}; it could not be asked: {said}", settings.hint_for(error))


def untrusted(message: str, error: SSLError) -> CloudError:
    """Return that this computer does not trust who answered, and who that says to be."""
    issuer = find_issuer(str(error.kwargs.get("endpoint_url", "")))
    signed = f" The certificate that it shows is signed by: {issuer}." if issuer else ""
    return CloudError(f"{message}{signed}", hints.untrusted(bundle_in_use()))


def clock_of(headers: dict[str, str]) -> str:
    """Return that this computer's clock is wrong, and by how much; "" where it is right enough."""
    minutes = minutes_apart(headers.get("date", ""))
    if minutes is None or abs(minutes) < CLOCK_MINUTES:
        return ""
    way = "ahead of" if minutes > 0 else "behind"
    return f"The clock of this computer is {abs(minutes):.0f} minutes {way} AWS's."


def in_one_line(error: Exception) -> str:
    """Return what an error says, without line breaks: others' programs print what they like."""
    return " ".join(str(error).split()) or type(error).__name__
