"""Credentials that may be renewed while a run goes on.

botocore reads static credentials once. Somebody, or aws-vault, saml2aws or a cron job, renews them
in their file while a run goes on: as soon as AWS says that the old ones have ended they are read
again, for all clients and threads of the process.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.credentials import create_credential_resolver
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    CredentialRetrievalError,
    PartialCredentialsError,
)

from notebake.waiting import pause

log = logging.getLogger(__name__)
READS = 3
PAUSE_SECONDS = 1.0
"""Whoever writes a file of credentials is not always done with it at the moment of our look."""


class CurrentCredentials:
    """The credentials of the environment, as botocore's signers ask for them.

    What is asked for is looked up in those that were read last.
    """

    def __init__(self, found: Any, region: str | None) -> None:
        self.found = found
        self.generation = 0
        """How often they have been replaced."""
        self._region = region
        self._used: Any = ()
        """Key, secret and token that were given last."""
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.found, name)

    def get_frozen_credentials(self) -> Any:
        """Return them as they are; those that refresh themselves may do so now.

        Raises:
            BotoCoreError: they could not be refreshed.
            ClientError: AWS refused to.
        """
        try:
            self._used = _freeze(self.found)
        except (BotoCoreError, ClientError):
            # What a role is assumed with may have been renewed in its file.
            is_derived = str(self.found.method).startswith("assume-role")
            if not is_derived or not self.renew(self.generation, str(self._region)):
                raise
            self._used = _freeze(self.found)
        return self._used

    def renew(self, generation: int, region: str) -> bool:
        """Read them again, unless somebody did since; tell whether they are others now.

        Args:
            generation: Of those with which was signed what AWS refused.
            region: Where a role is assumed, if the credentials are a role's.

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
        log.info("AWS says that the credentials have ended: going on with those that are there now")
        return True


def _read_again(region: str) -> Any:
    """Return the credentials of the environment as its files have them now."""
    for _ in range(READS - 1):
        try:
            return load_credentials(botocore.session.get_session(), region)
        except (ConfigParseError, PartialCredentialsError):
            pause(PAUSE_SECONDS)
    return load_credentials(botocore.session.get_session(), region)


def load_credentials(core: Any, region: str | None) -> Any:
    """Return what is found by the whole chain of botocore's providers; None for nothing."""
    resolver = create_credential_resolver(core, region_name=region)
    return _in_botocores_words(resolver.load_credentials, "the settings")


def _freeze(found: Any) -> Any:
    """Return key, secret, token and account of credentials as they are now."""
    return _in_botocores_words(found.get_frozen_credentials, str(found.method))


def _in_botocores_words(ask: Callable[[], Any], provider: str) -> Any:
    """Return what botocore's code for credentials gives.

    It raises whatever comes of programs and files of others: RuntimeError for credentials that had
    ended already as they were given, ValueError for an answer that is no JSON, OSError for a
    program that is not there.
    """
    try:
        return ask()
    except (BotoCoreError, ClientError):
        raise
    except Exception as error:
        said = str(error) or type(error).__name__
        raise CredentialRetrievalError(provider=provider, error_msg=said) from error
