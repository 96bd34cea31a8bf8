"""Key pairs: EC2 gets the public half only."""

from notebake.aws import tags
from notebake.aws.clients import calling, connect, wait_for_first
from notebake.aws.kinds import KEY_PAIR
from notebake.aws.readings import look
from notebake.errors import CloudError
from notebake.names import name_of_key_pair
from notebake.records import KeyPair, Run
from notebake.runs import lasting_tags


def key_pair_name(run: Run, role: str) -> str:
    """Return the name of the run's key pair for a role: the key by which it is found."""
    return name_of_key_pair(run.id, role)


def find_key_pair(run: Run, role: str) -> KeyPair | None:
    """Return the run's key pair for a role.

    Raises:
        NotOursError: the name is taken by a key pair that is not the run's.
    """
    name = key_pair_name(run, role)
    found = look(run.recipe.region, KEY_PAIR, "key-name", name)
    if not found:
        return None
    key_id, told = found[0]["KeyPairId"], tags.as_dict(found[0].get("Tags"))
    lasting_tags.tags_of_own(run, "The key pair", key_id, told, made_as=f"key-pair-{role}")
    return KeyPair(id=key_id, name=name)


def import_key_pair(run: Run, role: str, public_key: str) -> KeyPair:
    """Give EC2 the public key; a repeat finds the first one by its name."""
    name = key_pair_name(run, role)
    try:
        with calling(f"import the key pair {name}"):
            answer = connect("ec2", run.recipe.region).import_key_pair(
                KeyName=name,
                PublicKeyMaterial=public_key.encode(),
                TagSpecifications=tags.specifications(tags.tags_for(run, role), "key-pair"),
            )
    except CloudError as error:
        if error.code != "InvalidKeyPair.Duplicate":
            raise
        return wait_for_first(lambda: find_key_pair(run, role), f"the key pair {name}")
    return KeyPair(id=answer["KeyPairId"], name=name)


def delete_key_pair(key_pair: KeyPair, region: str) -> None:
    """Delete a key pair. May be repeated: EC2 does not mind one that is gone."""
    with calling(f"delete the key pair {key_pair.name}"):
        connect("ec2", region).delete_key_pair(KeyPairId=key_pair.id)
