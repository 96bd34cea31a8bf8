"""Moves a pointer so that a kill at any point leaves what the next mover finishes or drops.

1. The log says what is about to happen; then the pointer in the run store says it, too.
2. The parameter gets the image, and is read until it shows it.
3. The pointer is moved: from now on the image is current.
4. The tags follow, the log says how it ended, and the pointer forgets the move.

Each write of the pointer is refused if somebody else has written it since it was read.
"""

import logging
import secrets
from contextlib import suppress

from notebake.aws.image_parameter import parameter_of
from notebake.errors import NextCommand, NotebakeError, RunStoreError, WaitTimeoutError
from notebake.images.pointer_record import (
    Move,
    NotPromotableError,
    PointedImage,
    PointerHeldError,
    PointerMovedError,
)
from notebake.images.pointer_writer import PointerWriter
from notebake.ledger.kinds import HELD, MOVED, MOVING
from notebake.timeouts import PARAMETER_SECONDS

log = logging.getLogger(__name__)


class PointerMover(PointerWriter):
    """One mover of the pointer of a recipe in a region."""

    def settle(self) -> None:
        """Finish or drop a move that was killed, and repair what follows the pointer.

        Raises:
            PointerHeldError, PointerMovedError, CloudError: as `begin`, of that move.
        """
        moving = self.pointer.moving
        if moving and self.pointer.image_id == moving.to.image_id:
            self._finish(moving)
        elif moving:
            with suppress(NotPromotableError):
                self._carry_out(moving)
        self.repair()

    def begin(self, to: PointedImage, *, is_rollback: bool = False, reason: str = "") -> None:
        """Begin a move, and carry it out.

        A rollback holds the pointer, for a reason, as it begins; any other move releases a hold
        as it reaches the pointer, and leaves it alone if it does not.

        Raises:
            PointerHeldError: AWS did not take the image; the pointer is held from now on.
            PointerMovedError: somebody else moved the pointer meanwhile.
            NotPromotableError: the image was revoked meanwhile.
            CloudError: AWS refused; the pointer was not moved.
        """
        move = Move(token=secrets.token_hex(8), to=to, is_rollback=is_rollback)
        said = {"move": move.token, "image": to.image_id, "image_run": to.run_id}
        before = {"before": self.pointer.image_id, "is_rollback": is_rollback}
        hold = {"is_held": is_rollback, "reason": reason}
        self.note(MOVING, **said, **before, **hold)
        self.stored.write(moving=move, **(hold if is_rollback else {}))
        self._carry_out(move)

    def _carry_out(self, move: Move) -> None:
        """Carry out a move that the pointer has announced."""
        try:
            # Who revokes an image looks at the pointer afterwards: one of the two sees the other.
            self.check(move.to)
            self.name(move.to.image_id, lambda: self._check_announced(move))
            self._check_announced(move)
        except WaitTimeoutError as error:
            raise self._hold(move) from error
        except NotebakeError as error:
            self._withdraw(move, error.message)
            raise
        if self.pointer.image_id != move.to.image_id:
            self._point_to(move)
        log.info("%s is the current image of %s", move.to.image_id, self.recipe)
        self._finish(move)

    def _point_to(self, move: Move) -> None:
        before, to = self.pointer.current, move.to
        kept = [each for each in self.pointer.previous if each.image_id != to.image_id]
        if before and not move.is_rollback:
            kept.append(before)
        released = {} if move.is_rollback else {"is_held": False, "reason": ""}
        try:
            self.stored.write(current=to, previous=tuple(kept), **released)
        except PointerMovedError:
            # Another mover may have carried out this very move.
            if self.stored.read().image_id != to.image_id:
                self.repair()
                raise

    def _check_announced(self, move: Move) -> None:
        """Raise PointerMovedError if the pointer has forgotten the move, and is not there."""
        pointer = self.stored.read()
        if pointer.moving != move and pointer.image_id != move.to.image_id:
            raise PointerMovedError(
                f"{move.to.image_id} does not become the current image of {self.recipe} in"
                f" {self.region}: somebody else has moved the pointer meanwhile, to"
                f" {pointer.image_id or 'none'}."
            )

    def _finish(self, move: Move) -> None:
        """Let the tags follow a pointer that was moved, and forget the move."""
        self.mark_current()
        self._end(move, {"outcome": "moved"}, moving=None)

    def _withdraw(self, move: Move, reason: str) -> None:
        """Give up a move that did not reach the pointer."""
        with suppress(RunStoreError):
            self._end(move, {"outcome": "withdrawn", "reason": reason}, moving=None)
            self.repair()

    def _hold(self, move: Move) -> NotebakeError:
        """Give up a move whose image AWS did not take, and hold the pointer."""
        image_id, name = move.to.image_id, parameter_of(self.recipe)
        reason = f"AWS did not take {image_id} into {name} within {PARAMETER_SECONDS} s"
        was = f"{self.pointer.reason}; " if self.pointer.is_held and self.pointer.reason else ""
        held = {"is_held": True, "reason": was + reason}
        self.note(HELD, reason=reason)
        self._end(move, {"outcome": "held", "reason": reason}, moving=None, **held)
        self.repair()
        if not self.pointer.is_held:
            return PointerMovedError(f"{reason}, and somebody else moved the pointer meanwhile.")
        current = self.pointer.image_id or "none"
        return PointerHeldError(
            f"{reason}: it does not become the current image of {self.recipe} in {self.region}. The"
            f" current image is {current}, and the pointer is held.",
            f"See whether the image is available: aws ec2 describe-images --region {self.region}"
            f" --image-ids {image_id}",
        ).with_next(NextCommand(("promote", image_id), "To try again, and release the hold"))

    def _end(self, move: Move, ending: dict[str, str], **changes: object) -> None:
        """Record how a move ended, unless it is no longer the one that the pointer announces."""
        if self.pointer.moving != move:
            return
        self.note(MOVED, move=move.token, image=move.to.image_id, **ending)
        try:
            self.stored.write(**changes)
        except PointerMovedError:
            # What this mover has just let follow may be of the past already.
            self.stored.read()
            self.repair()
