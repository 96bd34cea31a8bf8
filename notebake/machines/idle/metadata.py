"""The instance's tags, from its metadata service, version 2 (IMDSv2).

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
"""

from __future__ import annotations

import http.client
from urllib.parse import quote

ADDRESS = "169.254.169.254"
TAGS = "/latest/meta-data/tags/instance"
TIMEOUT_SECONDS = 3
TOKEN_SECONDS = 60
LONGEST_ANSWER = 64 * 1024
READ_KEYS = "notebake:"


class MetadataError(Exception):
    """The tags cannot be read; the text says why."""


def read_tags(address: str = ADDRESS) -> dict[str, str]:
    """Return the instance's tags that are notebake's.

    Raises:
        MetadataError: nothing answers, or the instance does not show its tags.
    """
    try:
        token = _ask(address, "PUT", "/latest/api/token", {
            "X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)
        })  # fmt: skip
        headers = {"X-aws-ec2-metadata-token": token}
        keys = _ask(address, "GET", TAGS, headers).splitlines()
        return {
            key: _ask(address, "GET", f"{TAGS}/{quote(key, safe=':')}", headers)
            for key in keys
            if key.startswith(READ_KEYS)
        }
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise MetadataError(f"the metadata service does not answer: {error!r}") from error


def _ask(address: str, method: str, path: str, headers: dict[str, str]) -> str:
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        text = answer.read(LONGEST_ANSWER).decode()
    finally:
        connection.close()
    if answer.status == http.client.NOT_FOUND and path == TAGS:
        raise MetadataError("the instance does not show its tags (InstanceMetadataTags)")
    if answer.status != http.client.OK:
        raise MetadataError(f"the metadata service answers {method} {path} with {answer.status}")
    return text
