"""The ids that notebake gives to runs, and how they are told from other names."""

import datetime
import re
import secrets

RUN_ID = re.compile(r".+-\d{8}-\d{6}-[0-9a-f]{4}")


def make_run_id(recipe_name: str, created: datetime.datetime) -> str:
    """Return an id for a new run: recipe name, time, and a random suffix."""
    return f"{recipe_name}-{created:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def is_run_id(word: str) -> bool:
    """Return whether a word has the form of the ids that `make_run_id` makes."""
    return RUN_ID.fullmatch(word) is not None
