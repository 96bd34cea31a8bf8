"""AWS's session of this process: its settings are read once, its credentials whenever they end."""

import functools
from typing import Any

import boto3
import botocore.session

from notebake.aws.credentials import CurrentCredentials, load_credentials


class CurrentProvider:
    """Gives a session of botocore's its credentials."""

    def __init__(self, core: Any) -> None:
        self._core = core

    def load_credentials(self) -> CurrentCredentials | None:
        """Return the credentials of the environment; None where there are none."""
        # Where roles are assumed, it is done where the first client asks, as botocore itself does.
        region = self._core._last_client_region_used or self._core.get_config_variable("region")
        found = load_credentials(self._core, region)
        return CurrentCredentials(found, region) if found else None


@functools.cache
def session() -> Any:
    """Return the process's session: it reads AWS's own descriptions once."""
    core = botocore.session.get_session()
    core.register_component("credential_provider", CurrentProvider(core))
    return boto3.session.Session(botocore_session=core)


def current_credentials() -> CurrentCredentials | None:
    """Return the process's credentials; None where there are none.

    Raises:
        BotoCoreError: they could not be read.
    """
    found: CurrentCredentials | None = session().get_credentials()
    return found
