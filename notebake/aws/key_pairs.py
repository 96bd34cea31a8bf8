"""Key pairs: only the public key is sent to EC2."""

from notebake.aws import tags
from notebake.aws.clients import calling, connect
from notebake.aws.kinds import KEY_PAIR
from notebake.aws.model import KeyPair
from notebake.aws.permissions import needs
from notebake.aws.policies import MAKE_OURS, USE_OURS


@needs("ec2:ImportKeyPair", MAKE_OURS.on("key-pair"))
def import_key_pair(name: str, public_key: str, marks: dict[str, str], region: str) -> KeyPair:
    """Import a public key with tags.

    Raises:
        CloudError: InvalidKeyPair.Duplicate if the name is taken.
    """
    with calling(f"import the key pair {name}"):
        answer = connect("ec2", region).import_key_pair(
            KeyName=name,
            PublicKeyMaterial=public_key.encode(),
            TagSpecifications=tags.specifications(marks, "key-pair"),
        )
    return KeyPair(id=answer["KeyPairId"], name=name)


@needs("ec2:DeleteKeyPair", USE_OURS.on("key-pair"), KeyPairId=KEY_PAIR.stand_in)
def delete_key_pair(key_pair: KeyPair, region: str) -> None:
    """Delete a key pair. May be repeated: EC2 ignores a missing one."""
    with calling(f"delete the key pair {key_pair.name}"):
        connect("ec2", region).delete_key_pair(KeyPairId=key_pair.id)
