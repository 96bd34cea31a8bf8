"""What the stamps of checkpoints show: by when each existed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from notebake.record import Record

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


class Stamp(Record):
    """A stamp, compared with its checkpoint and with the certificates of the authority."""

    number: int
    """The number of the checkpoint."""
    at: str = ""
    """When the authority saw it: UTC, as in an entry; "" if the stamp cannot be read."""
    wrong: str = ""
    """Why it proves nothing; "" if it does."""

    def __str__(self) -> str:
        if self.wrong:
            return f"The stamp of checkpoint {self.number} proves nothing: {self.wrong}"
        return f"Checkpoint {self.number} existed on {self.at}"


def verify_stamps(
    stamps: Mapping[int, bytes], checkpoints: Mapping[int, bytes], roots: Sequence["Certificate"]
) -> list[Stamp]:
    """Return what each stamp shows, by the stored bytes of the checkpoints."""
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    verifier = VerifierBuilder(roots=list(roots)).build()
    found = []
    for number, stamp in sorted(stamps.items()):
        if number not in checkpoints:
            found.append(Stamp(number=number, wrong="the checkpoint is not there"))
            continue
        try:
            response = decode_timestamp_response(stamp)
            at = f"{response.tst_info.gen_time:%Y-%m-%dT%H:%M:%SZ}"
            verifier.verify_message(response, checkpoints[number])
        except (ValueError, VerificationError) as error:
            found.append(Stamp(number=number, wrong=str(error).splitlines()[0]))
        else:
            found.append(Stamp(number=number, at=at))
    return found
