"""The public address of an instance: one that it is given while it runs, or an elastic one.

EC2 takes a given address back when the instance stops, or gets an elastic one, and gives another
when it starts, or has lost the elastic one.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html
"""

from sandbox.ec2.model import Instance
from sandbox.ec2.state.region import Region

RUNNING = ("pending", "running")


def give_address(region: Region, instance: Instance) -> None:
    """Give a public address, or take it back, as the instance's state wants. Hold the lock."""
    is_wanted = (
        instance.has_public_address and not instance.elastic_address and instance.state in RUNNING
    )
    if is_wanted and not instance.given_address:
        instance.given_address = region.core.public_addresses.take()
    elif instance.given_address and not is_wanted:
        region.core.public_addresses.release(instance.given_address)
        instance.given_address = None
    if instance.interface:
        instance.interface.public_ip = instance.public_address


def publish_address(region: Region, instance: Instance) -> None:
    """Let the instance's host be reached at its public address, and at no other any more.

    Does not hold the cloud's lock while the firewall works, unless the caller does.
    """
    with region.core.lock:
        address = instance.public_address
        region.rules_lock.acquire()  # before another thread finds a newer address
    try:
        region.core.machines.set_public_address(instance.id, address)
    finally:
        region.rules_lock.release()
