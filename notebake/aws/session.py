"""The process's AWS session, and its credentials, which may be renewed during a run.

botocore reads static credentials once. A person or a program such as aws-vault or saml2aws may
renew them in their file: when AWS reports that the old ones have expired, they are read again, for
all clients and threads of the process.
"""

import functools
import logging
import re
import threading
from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
from botocore.credentials import AssumeRoleProvider, create_credential_resolver
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    CredentialRetrievalError,
    PartialCredentialsError,
    RefreshWithMFAUnsupportedError,
)

from notebake.aws.mfa_code import ask_for_code
from notebake.waiting import pause

log = logging.getLogger(__name__)
READS = 3
PARTS = ("access key id", "secret access key", "session token")
PAUSE_SECONDS = 1.0
"""The pause between attempts to read a credentials file that may be only partly written."""


class CurrentCredentials:
    """The credentials of the environment, for botocore's signers.

    Attributes are those of the credentials that were read last.
    """

    def __init__(self, found: Any, region: str | None) -> None:
        self.found = found
        self.generation = 0
        """How often they have been replaced."""
        self._region = region
        self._used: Any = ()
        """The key, secret and token that were returned last."""
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.found, name)

    def get_frozen_credentials(self) -> Any:
        """Return the credentials; refreshable ones may be refreshed now.

        Raises:
            BotoCoreError, ClientError: the refresh failed.
        """
        try:
            self._used = _freeze(self.found)
        except (BotoCoreError, ClientError):
            # The source credentials of an assumed role may have been renewed in their file.
            is_derived = str(self.found.method).startswith("assume-role")
            if not is_derived or not self.renew(self.generation, str(self._region)):
                raise
            self._used = _freeze(self.found)
        return self._used

    def renew(self, generation: int, region: str) -> bool:
        """Read the credentials again; return whether they differ from those of `generation`.

        `generation` is that of the refused request's credentials, `region` the one in which a role
        is assumed, if any.

        Raises:
            BotoCoreError: they could not be read.
        """
        with self._lock:
            if self.generation != generation:
                return True
            found = _read_again(region)
            if found is None or _freeze(found)[:3] == self._used[:3]:
                return False
            self.found = found
            self.generation += 1
        log.info("AWS reports that the credentials have expired: continuing with the renewed ones")
        return True


def _read_again(region: str) -> Any:
    for _ in range(READS - 1):
        try:
            return load_credentials(botocore.session.get_session(), region)
        except (ConfigParseError, PartialCredentialsError):
            pause(PAUSE_SECONDS)
    return load_credentials(botocore.session.get_session(), region)


def load_credentials(core: Any, region: str | None) -> Any:
    """Return the credentials that botocore's provider chain finds, or None."""
    resolver = create_credential_resolver(core, region_name=region)
    for provider in resolver.providers:
        if isinstance(provider, AssumeRoleProvider):
            provider._prompter = ask_for_code
    return _as_botocore_errors(resolver.load_credentials, "the settings")


def _freeze(found: Any) -> Any:
    frozen = _as_botocore_errors(found.get_frozen_credentials, str(found.method))
    for name, value in zip(PARTS, frozen[: len(PARTS)], strict=True):
        if re.search(r"\s", value or ""):
            # http.client refuses it in a header, with a message that repeats the header.
            message = f"the {name} contains a blank or the end of a line"
            raise CredentialRetrievalError(provider=str(found.method), error_msg=message)
    return frozen


def _as_botocore_errors(call: Callable[[], Any], provider: str) -> Any:
    """Return the result of a call; raise a BotoCoreError for any error.

    botocore passes on errors of external programs and files: RuntimeError for credentials that have
    already expired, ValueError for invalid JSON, OSError for a missing program.
    """
    try:
        return call()
    except (BotoCoreError, ClientError):
        raise
    except EOFError as error:
        # Nobody typed the MFA code.
        raise RefreshWithMFAUnsupportedError from error
    except Exception as error:
        message = str(error) or type(error).__name__
        raise CredentialRetrievalError(provider=provider, error_msg=message) from error


class CurrentProvider:
    """The provider of the credentials of a botocore session."""

    def __init__(self, core: Any) -> None:
        self._core = core

    def load_credentials(self) -> CurrentCredentials | None:
        # As in botocore, a role is assumed in the region of the first client.
        region = self._core._last_client_region_used or self._core.get_config_variable("region")
        found = load_credentials(self._core, region)
        return CurrentCredentials(found, region) if found else None


@functools.cache
def session() -> Any:
    """Return the process's session, which loads botocore's data files once."""
    core = botocore.session.get_session()
    core.register_component("credential_provider", CurrentProvider(core))
    return boto3.session.Session(botocore_session=core)


def current_credentials() -> CurrentCredentials | None:
    """Return the process's credentials, or None; BotoCoreError if they could not be read."""
    found: CurrentCredentials | None = session().get_credentials()
    return found
