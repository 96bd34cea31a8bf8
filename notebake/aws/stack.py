"""What owns things in an account."""

from collections.abc import Mapping
from typing import Protocol


class Stack(Protocol):
    """An owner of things in an account, such as a run: they carry its id, and end with its lease.

    `store` says where it keeps what it has done; `lease_hours` for how long what is temporary
    stays without renewal.
    """

    @property
    def id(self) -> str: ...
    @property
    def recipe_name(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def store(self) -> str: ...
    @property
    def user_tags(self) -> Mapping[str, str]: ...
    @property
    def lease_hours(self) -> float: ...
    @property
    def scheduler_role(self) -> str | None: ...
