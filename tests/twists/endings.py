"""How a bake from each twist must end: what docs/twists.md tells people, it tells the programs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.twists.table import TWISTS


@dataclass(frozen=True)
class Ending:
    """Accepted, or refused in words that name the cause."""

    told: str
    """For people, in a few words."""
    cause: str = ""
    """What a refusal says, as a regular expression; empty where the image is accepted."""

    def fits(self, exit_code: int, printed: str) -> bool:
        """Tell whether a build that ended so, having printed this, ended as it must."""
        if not self.cause:
            return exit_code == 0
        return exit_code != 0 and bool(re.search(self.cause, printed, re.IGNORECASE))


ACCEPTED = Ending("accepted")
REFUSED: Mapping[str, Ending] = {
    "no-forwarding": Ending("refused: sshd forbids forwarding", "AllowTcpForwarding"),
    "full-disk": Ending("refused: no space left on a disk", "no space (was )?left"),
    "no-egress": Ending("refused: nothing outside is reached", "cannot reach"),
    "old-clock": Ending("refused: the host's clock is wrong", r"clock of \S+ .*is wrong"),
}
ENDINGS: Mapping[str, Ending] = {twist.name: REFUSED.get(twist.name, ACCEPTED) for twist in TWISTS}
