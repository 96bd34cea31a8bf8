"""With whom an image is to be shared, as a person gives it."""

import re
from collections.abc import Sequence

from notebake.aws.launch_permissions import EVERYBODY
from notebake.errors import NextCommand, NotebakeError
from notebake.recipe.fields import ACCOUNT, ORGANIZATION, ORGANIZATIONAL_UNIT

FORMS = f"{ACCOUNT}|{ORGANIZATION}|{ORGANIZATIONAL_UNIT}"


def read_recipients(given: Sequence[str], *, is_public: bool = False) -> tuple[str, ...]:
    """Return the recipients, sorted.

    Raises:
        NotebakeError: there are none, or something is not one.
    """
    wrong = [text for text in given if text != EVERYBODY and not re.fullmatch(FORMS, text)]
    if wrong:
        raise NotebakeError(
            f"Nothing is shared with {wrong[0]!r}: it is neither the 12 digits of an account nor"
            " the whole ARN of an organization or of one of its units.",
            "An organization's ARN is shown by: aws organizations describe-organization --query"
            " Organization.Arn",
        )
    found = {*given, *((EVERYBODY,) if is_public else ())}
    if not found:
        raise NotebakeError("No recipient was given.", "Name one, or everybody.").with_next(
            NextCommand(("share", "IMAGE", "--with", "ACCOUNT"), "For example")
        )
    return tuple(sorted(found))
