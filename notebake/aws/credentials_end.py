"""When credentials end that nobody renews, as far as whoever gave them says so."""

import configparser
import datetime
import os
from pathlib import Path

from botocore.credentials import RefreshableCredentials
from botocore.utils import parse_timestamp

from notebake.aws.clients import calling
from notebake.aws.session import current_credentials
from notebake.aws.settings_files import path_of, profile
from notebake.record import Record

IN_THE_ENVIRONMENT = ("AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION")
"""The first is botocore's own and that of `aws configure export-credentials`; aws-vault has set
both."""
IN_THE_FILE = (
    *("expiration", "aws_expiration", "aws_session_expiration", "aws_credential_expiration"),
    *("x_security_token_expires", "x_principal_expires"),
)
"""What programs for logging in write beside the keys: aws-mfa, aws-azure-login, saml2aws …; AWS's
own tools write none of it, and read none."""


class Ending(Record):
    """Temporary credentials that somebody has to renew."""

    source: str
    """Where they are renewed."""
    ends_at: datetime.datetime | None
    """None where nobody says."""


def read_ending() -> Ending | None:
    """Return when the credentials end; None for those that do not, or are renewed by themselves.

    Raises:
        CloudError: they could not be read.
    """
    with calling("read the credentials"):
        credentials = current_credentials()
        token = credentials.get_frozen_credentials().token if credentials else None
    if credentials is None or token is None:
        return None
    if credentials.method == "env":
        told = (os.environ.get(name, "") for name in IN_THE_ENVIRONMENT)
        return Ending(source="the environment", ends_at=_first_moment(*told))
    if credentials.method != "shared-credentials-file":
        # Roles, SSO and programs are asked again; static ones in the config file are not seen.
        is_renewed = isinstance(credentials.found, RefreshableCredentials)
        is_asked_again = is_renewed or credentials.method == "custom-process"
        return None if is_asked_again else Ending(source=path_of("config_file"), ends_at=None)
    path = path_of("credentials_file")
    return Ending(source=path, ends_at=_first_moment(*_told_in(Path(path))))


def _told_in(path: Path) -> list[str]:
    """Return what a file of credentials says about the end of those in use."""
    parser = configparser.RawConfigParser()
    parser.read(path)
    section = parser[profile()] if parser.has_section(profile()) else {}
    return [section.get(name, "") for name in IN_THE_FILE]


def _first_moment(*told: str) -> datetime.datetime | None:
    """Return the first moment that is one; what is said without a zone is meant in UTC."""
    for one in filter(None, told):
        try:
            moment = parse_timestamp(one)
        except (ValueError, TypeError, OverflowError):
            continue
        if isinstance(moment, datetime.datetime):
            return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return None
