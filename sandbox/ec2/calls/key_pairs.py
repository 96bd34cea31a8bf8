"""Key pairs: moto keeps them; this refuses what EC2 refuses."""

from sandbox.ec2.errors import refusal
from sandbox.ec2.model import Params
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import read_tag_specifications


def check_key_pair(region: Region, parameters: Params) -> None:
    """Refuse a name that is taken. moto would take a key of another type for the same one."""
    read_tag_specifications(parameters, ["key-pair"])
    name = parameters["KeyName"]
    if name in region.network.key_pairs:
        raise refusal("InvalidKeyPair.Duplicate", f"The keypair '{name}' already exists.")


def check_key_names(region: Region, parameters: Params) -> None:
    """Refuse a name that no key has, in EC2's words."""
    for name in parameters.get("KeyNames", []):
        pair = region.network.key_pairs.get(name)
        if not pair or not region.sight.shows(pair.id):
            raise refusal("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")


def find_key_by_id(region: Region, parameters: Params) -> None:
    """DeleteKeyPair also takes the key's id, which moto overlooks."""
    for pair in list(region.network.key_pairs.values()):
        if pair.id == parameters.get("KeyPairId"):
            region.check_dry_run(parameters)
            del region.network.key_pairs[pair.key_name]
