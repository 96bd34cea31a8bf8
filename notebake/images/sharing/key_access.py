"""Whether a key's policy lets a recipient launch from what the key encrypts.

Reads what people write into such policies: principals, actions, and the conditions on
organizations. What else a statement says is "cannot be told", never yes.
https://docs.aws.amazon.com/ebs/latest/userguide/share-kms-key.html
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-with-organizations-and-OUs.html
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from notebake.aws.launch_permissions import is_account

NEEDED = (
    *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"),
    *("kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
)
"""What EC2 asks KMS in the name of who launches an encrypted image (EBS user guide, "Permissions
for IAM users")."""
FULFILLED_BY_EC2 = frozenset(("kms:grantisforawsresource", "kms:viaservice"))
"""Conditions that hold whenever EC2 asks."""
ORGANIZATION, PATHS = "aws:principalorgid", "aws:principalorgpaths"


class Access(StrEnum):
    """Whether a recipient may use a key."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot be told"


class KeyAccess(NamedTuple):
    """Whether a recipient may use a key, and what is missing or not understood."""

    access: Access
    reason: str = ""


def read_access(
    recipient: str, policy: Mapping[str, Any], grants: Iterable[Mapping[str, Any]] = ()
) -> KeyAccess:
    """Return whether a policy and the grants beside it let a recipient use their key."""
    allowed: set[str] = set()
    unclear: set[str] = set()
    denied = ""
    for statement in _as_list(policy.get("Statement", [])):
        match, why = _matches(recipient, statement)
        covered = {action for action in NEEDED if _covers(statement, action)}
        if match is Access.NO or not covered:
            continue
        if statement.get("Effect") == "Deny":
            denied = denied or f"the statement {_name(statement)} denies something"
        elif match is Access.YES:
            allowed |= covered
        else:
            unclear.add(f"{_name(statement)}: {why}")
    for grant in grants:
        if _is_of(recipient, str(grant.get("GranteePrincipal", ""))):
            allowed |= {f"kms:{operation}" for operation in grant.get("Operations", [])}
    missing = [action for action in NEEDED if action not in allowed]
    if denied:
        return KeyAccess(Access.UNKNOWN, denied)
    if missing and unclear:
        return KeyAccess(Access.UNKNOWN, "; ".join(sorted(unclear)))
    return KeyAccess(Access.NO, ", ".join(missing)) if missing else KeyAccess(Access.YES)


def _matches(recipient: str, statement: Mapping[str, Any]) -> tuple[Access, str]:
    """Return whether a statement is for a recipient, and what is not understood of it."""
    if "NotPrincipal" in statement or "NotAction" in statement:
        return Access.UNKNOWN, "it names who, or what, is left out"
    principals = _principals(statement.get("Principal", {}))
    names_account = any(_is_of(recipient, each) for each in principals)
    if "*" not in principals and not names_account:
        within = is_account(recipient) and any(f"::{recipient}:" in each for each in principals)
        return (Access.UNKNOWN, "it names single users or roles") if within else (Access.NO, "")
    conditions = {
        key.lower(): (operator, _as_list(values))
        for operator, tests in statement.get("Condition", {}).items()
        for key, values in tests.items()
        if key.lower() not in FULFILLED_BY_EC2
    }
    return _meets(recipient, conditions) if conditions else (Access.YES, "")


def _meets(recipient: str, conditions: Mapping[str, tuple[str, list[str]]]) -> tuple[Access, str]:
    """Return whether who is in an organization, or in a unit of it, meets conditions on that."""
    unread = sorted(conditions.keys() - {ORGANIZATION, PATHS})
    if unread:
        return Access.UNKNOWN, f"its condition on {unread[0]}"
    if is_account(recipient):
        return Access.UNKNOWN, "whether the account is in an organization"
    whole, *units = recipient.rpartition(":")[2].split("/")[1:]
    for key, (operator, values) in conditions.items():
        if "Not" in operator:
            return Access.UNKNOWN, f"its condition on {key}"
        if key == ORGANIZATION and not any(fnmatchcase(whole, value) for value in values):
            return Access.NO, ""
        if key == PATHS and not any(_is_path_of(whole, units, value) for value in values):
            return Access.NO, ""
    return Access.YES, ""


def _is_path_of(organization: str, units: list[str], pattern: str) -> bool:
    """Return whether a pattern of paths, as o-1/r-1/ou-1/*, covers all of a unit's accounts."""
    parts = pattern.split("/")
    if parts[0] != organization or parts[-1] != "*":
        return False
    if not units:
        # All of the organization: o-1/*.
        return len(parts) == 2
    return set(units) <= set(parts)


def _principals(principal: Any) -> list[str]:
    if isinstance(principal, str):
        return [principal]
    return [str(each) for each in _as_list(principal.get("AWS", []))]


def _is_of(recipient: str, principal: str) -> bool:
    """Return whether a principal is an account as a whole."""
    return is_account(recipient) and (
        principal == recipient or principal.endswith(f":iam::{recipient}:root")
    )


def _covers(statement: Mapping[str, Any], action: str) -> bool:
    patterns = [str(each).lower() for each in _as_list(statement.get("Action", "*"))]
    return any(fnmatchcase(action.lower(), pattern) for pattern in patterns)


def _name(statement: Mapping[str, Any]) -> str:
    return str(statement.get("Sid") or "without a Sid")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
