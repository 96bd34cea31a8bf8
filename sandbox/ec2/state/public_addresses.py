"""The pool from which public addresses are given, for a while or as elastic ones.

An address that has come back is given again only after all others: on EC2 a machine that starts
again practically never gets the address that it had.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html
"""

from collections import deque
from ipaddress import IPv4Network

from sandbox.ec2.errors import ec2_error


class PublicAddresses:
    """The free addresses of a network. Hold the cloud's lock."""

    def __init__(self, network: str) -> None:
        self._unused = IPv4Network(network).hosts()
        self._returned: deque[str] = deque()

    def take(self) -> str:
        """Return an address that nobody has. Raises EC2's error if there is none."""
        if unused := next(self._unused, None):
            return str(unused)
        if not self._returned:
            message = "There are not enough free public addresses to satisfy the request."
            raise ec2_error("InsufficientAddressCapacity", message)
        return self._returned.popleft()

    def release(self, address: str) -> None:
        """Take an address back."""
        self._returned.append(address)
