"""User data, as a request carries it."""

import base64
import binascii

from sandbox.ec2.errors import ec2_error

LONGEST_BYTES = 16384


def read(encoded: str | None) -> bytes:
    """Return the raw user data. Raises EC2's error if it is not base64 or too long."""
    try:
        raw = base64.b64decode(encoded or "", validate=True)
    except binascii.Error:
        message = "Invalid BASE64 encoding of user data."
        raise ec2_error("InvalidParameterValue", message) from None
    if len(raw) > LONGEST_BYTES:
        message = f"User data is limited to {LONGEST_BYTES} bytes"
        raise ec2_error("InvalidParameterValue", message)
    return raw
