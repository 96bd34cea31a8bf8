"""Client tokens: the same request again has the same answer, another request is refused.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.ec2.errors import invalid_value, refusal

_NOT_COMPARED = ("ClientToken", "DryRun")


@dataclass(frozen=True)
class Scope:
    """Where a token counts: for one action, in a region or (for a zonal request) in a zone."""

    action: str
    place: str


class TokenBook:
    """Remembers what each token's request asked for and what it made."""

    def __init__(self) -> None:
        self._made: dict[tuple[Scope, str], tuple[str, str]] = {}

    def find(self, scope: Scope, parameters: Mapping[str, Any]) -> str | None:
        """Return what this request made before. Raises if it asked for other things."""
        token = str(parameters.get("ClientToken", ""))
        if len(token) > 64 or not token.isascii():
            raise invalid_value(token, "clientToken")
        made = self._made.get((scope, token)) if token else None
        if made is None:
            return None
        if made[0] != digest_parameters(parameters):
            message = "Arguments on this idempotent request are inconsistent with arguments used"
            raise refusal("IdempotentParameterMismatch", f"{message} in previous request(s).")
        return made[1]

    def keep(self, scope: Scope, parameters: Mapping[str, Any], made_id: str) -> None:
        """Remember what a request made, if it carried a token."""
        if token := parameters.get("ClientToken"):
            self._made[scope, str(token)] = (digest_parameters(parameters), made_id)


def digest_parameters(parameters: Mapping[str, Any]) -> str:
    """Return a digest of what a request asks for."""
    compared = {key: value for key, value in parameters.items() if key not in _NOT_COMPARED}
    text = json.dumps(compared, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
