"""A throw-away key that signs an archive; it is worth nothing outside the sandbox."""

import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from sandbox.errors import SandboxError

SIGN_SECONDS = 60


class SigningKey:
    """A key without a passphrase, which lies in a folder of its own until it is closed."""

    def __init__(self, name: str = "archive@sandbox.localhost") -> None:
        # The path of gpg's sockets may have no more than a hundred characters.
        self._folder = tempfile.TemporaryDirectory(prefix="gpg-", ignore_cleanup_errors=True)
        self.home = Path(self._folder.name)
        self._gpg("--quick-generate-key", name, "ed25519", "sign", "never")
        self.public = self._gpg("--export")
        self.armoured = self._gpg("--export", "--armor").decode()

    def __enter__(self) -> "SigningKey":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End gpg's agent, and remove the key."""
        words = ["gpgconf", "--homedir", str(self.home), "--kill", "all"]
        subprocess.run(words, capture_output=True, check=False, timeout=SIGN_SECONDS)
        self._folder.cleanup()

    def sign_inline(self, text: str, *options: str) -> bytes:
        """Return a text with its signature around it, as InRelease has it."""
        return self._gpg(*options, "--armor", "--clearsign", stdin=text.encode())

    def sign_detached(self, text: str, *options: str) -> bytes:
        """Return the signature of a text, as Release.gpg has it."""
        return self._gpg(*options, "--armor", "--detach-sign", stdin=text.encode())

    def _gpg(self, *words: str, stdin: bytes = b"") -> bytes:
        line = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--passphrase", ""]
        try:
            done = subprocess.run(
                [*line, *words], input=stdin, capture_output=True, timeout=SIGN_SECONDS, check=False
            )
        except FileNotFoundError:
            raise SandboxError("gpg is not installed") from None
        if done.returncode:
            raise SandboxError(f"gpg {words[0]} failed: {done.stderr.decode(errors='replace')}")
        return done.stdout
