"""The credentials that the metadata service gives a host for the role of its instance profile.

They last six hours, and others come an hour before they end: AWS says "at least five minutes".
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta

LIFETIME = timedelta(hours=6)
RENEWED_BEFORE = timedelta(hours=1)
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def profile_info(arn: str, profile_id: str, now: datetime) -> str:
    """Return what `iam/info` tells of the profile."""
    begin, _ = _period(now)
    info = {
        "Code": "Success",
        "LastUpdated": begin.strftime(_TIME),
        "InstanceProfileArn": arn,
        "InstanceProfileId": profile_id,
    }
    return json.dumps(info, indent=2)


def role_credentials(instance_id: str, role: str, now: datetime) -> str:
    """Return the role's credentials for an instance, the same until others come."""
    begin, end = _period(now)
    secret = hashlib.sha256(f"{instance_id} {role} {begin}".encode()).hexdigest()
    credentials = {
        "Code": "Success",
        "LastUpdated": begin.strftime(_TIME),
        "Type": "AWS-HMAC",
        "AccessKeyId": f"ASIA{secret[:16].upper()}",
        "SecretAccessKey": secret[16:56],
        "Token": secret[::-1],
        "Expiration": end.strftime(_TIME),
    }
    return json.dumps(credentials, indent=2)


def _period(now: datetime) -> tuple[datetime, datetime]:
    length = (LIFETIME - RENEWED_BEFORE).total_seconds()
    begin = datetime.fromtimestamp(now.timestamp() // length * length, UTC)
    return begin, begin + LIFETIME
