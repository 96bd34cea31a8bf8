"""Where the keys that sign checkpoints lie: in notebake's home, or in Systems Manager."""

from typing import Protocol

from notebake.errors import NotebakeError
from notebake.local.atomic_files import create_file, write_file
from notebake.local.home import home


class KeyStore(Protocol):
    """Keys by name; each is a text of less than 4 KB."""

    def where(self, name: str) -> str:
        """Return where a key lies, for people."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return a key; None if there is none."""
        ...

    def create(self, name: str, content: bytes) -> bytes:
        """Store a key unless there is one, and return the stored one."""
        ...

    def overwrite(self, name: str, content: bytes) -> None:
        """Store a key in the place of another one, wholly or not at all."""
        ...


class HomeKeys:
    """Private files in notebake's home."""

    def where(self, name: str) -> str:
        """Return the path."""
        return str(home() / name)

    def read(self, name: str) -> bytes | None:
        """Return the content of the file."""
        path = home() / name
        return path.read_bytes() if path.exists() else None

    def create(self, name: str, content: bytes) -> bytes:
        """Write the file unless it exists."""
        create_file(home() / name, content)
        return (home() / name).read_bytes()

    def overwrite(self, name: str, content: bytes) -> None:
        """Write the file anew."""
        write_file(home() / name, content)


class ParameterKeys:
    """SecureStrings in one region."""

    def __init__(self, region: str) -> None:
        self._region = region

    def where(self, name: str) -> str:
        """Return the name of the parameter."""
        from notebake.aws.record_key import key_parameter

        return f"the parameter {key_parameter(name)} in {self._region}"

    def read(self, name: str) -> bytes | None:
        """Return the value."""
        from notebake.aws.record_key import read_key

        value = read_key(name, self._region)
        return None if value is None else value.encode()

    def create(self, name: str, content: bytes) -> bytes:
        """Store the value unless there is one."""
        from notebake.aws.record_key import create_key

        create_key(name, content.decode(), self._region)
        stored = self.read(name)
        if stored is None:
            raise NotebakeError(
                f"Tried to keep a key as {self.where(name)}; it is not there after that.",
                "Try again.",
            )
        return stored

    def overwrite(self, name: str, content: bytes) -> None:
        """Write the value anew."""
        from notebake.aws.record_key import overwrite_key

        overwrite_key(name, content.decode(), self._region)
