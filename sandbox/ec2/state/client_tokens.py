"""Client tokens: the same request gets the same result again, a different request an error.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

import hashlib
import json
from dataclasses import dataclass

from sandbox.ec2.errors import ec2_error, invalid_value
from sandbox.ec2.model import Params

_NOT_COMPARED = ("ClientToken", "DryRun")


@dataclass(frozen=True)
class Scope:
    """Where a token counts: for an action, in a region or (for a zonal request) in a zone."""

    action: str
    place: str


class ClientTokens:
    """Remembers the parameters of each token's request, and the id of what it created."""

    def __init__(self) -> None:
        self._created: dict[tuple[Scope, str], tuple[str, str]] = {}

    def find(self, scope: Scope, parameters: Params) -> str | None:
        """Return the id that this request created before. Raises if the parameters differ."""
        token = str(parameters.get("ClientToken", ""))
        if len(token) > 64 or not token.isascii():
            raise invalid_value(token, "clientToken")
        created = self._created.get((scope, token)) if token else None
        if created is None:
            return None
        if created[0] != digest_parameters(parameters):
            message = "Arguments on this idempotent request are inconsistent with arguments used"
            raise ec2_error("IdempotentParameterMismatch", f"{message} in previous request(s).")
        return created[1]

    def keep(self, scope: Scope, parameters: Params, created_id: str) -> None:
        """Remember the id that a request created, if the request has a token."""
        if token := parameters.get("ClientToken"):
            self._created[scope, str(token)] = (digest_parameters(parameters), created_id)


def digest_parameters(parameters: Params) -> str:
    """Return a digest of the parameters, without the token."""
    compared = {key: value for key, value in parameters.items() if key not in _NOT_COMPARED}
    text = json.dumps(compared, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
