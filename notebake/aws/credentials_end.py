"""The expiry of static temporary credentials, if it is recorded beside them."""

import configparser
import datetime
import os
from pathlib import Path

from botocore.credentials import RefreshableCredentials
from botocore.utils import parse_timestamp

from notebake.aws.clients import calling
from notebake.aws.session import current_credentials
from notebake.aws.settings import path_of, profile
from notebake.record import Record

IN_THE_ENVIRONMENT = ("AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION")
"""The first is that of botocore and `aws configure export-credentials`; aws-vault sets both."""
IN_THE_FILE = (
    *("expiration", "aws_expiration", "aws_session_expiration", "aws_credential_expiration"),
    *("x_security_token_expires", "x_principal_expires"),
)
"""Written beside the keys by login programs such as aws-mfa, aws-azure-login and saml2aws; AWS's
own tools neither write nor read them."""


class Ending(Record):
    """The expiry of temporary credentials that a person has to renew."""

    source: str
    """Where they are renewed."""
    ends_at: datetime.datetime | None
    """None if it is unknown."""


def read_ending() -> Ending | None:
    """Return the expiry of the credentials; None if they do not expire or renew themselves.

    Raises:
        CloudError: they could not be read.
    """
    with calling("read the credentials"):
        credentials = current_credentials()
        token = credentials.get_frozen_credentials().token if credentials else None
    if credentials is None or token is None:
        return None
    if credentials.method == "env":
        values = (os.environ.get(name, "") for name in IN_THE_ENVIRONMENT)
        return Ending(source="the environment", ends_at=_first_time(*values))
    if credentials.method != "shared-credentials-file":
        # botocore refreshes those of roles, SSO and programs, not static ones in the config file.
        is_refreshable = isinstance(credentials.found, RefreshableCredentials)
        renews_itself = is_refreshable or credentials.method == "custom-process"
        return None if renews_itself else Ending(source=path_of("config_file"), ends_at=None)
    path = path_of("credentials_file")
    return Ending(source=path, ends_at=_first_time(*_expiries_in(Path(path))))


def _expiries_in(path: Path) -> list[str]:
    parser = configparser.RawConfigParser()
    parser.read(path)
    section = parser[profile()] if parser.has_section(profile()) else {}
    return [section.get(name, "") for name in IN_THE_FILE]


def _first_time(*texts: str) -> datetime.datetime | None:
    """Return the first valid timestamp; without a zone it is UTC."""
    for text in filter(None, texts):
        try:
            moment = parse_timestamp(text)
        except (ValueError, TypeError, OverflowError):
            continue
        if isinstance(moment, datetime.datetime):
            return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return None
