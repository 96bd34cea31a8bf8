"""Random parts of credentials, with the checksums that their providers put into them."""

import base64
import json
import random
import string
import zlib
from typing import Final

LETTERS_AND_DIGITS: Final = string.ascii_letters + string.digits
UPPER_AND_BASE32: Final = string.ascii_uppercase + "234567"
URL_SAFE: Final = LETTERS_AND_DIGITS + "-_"
BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Maker:
    """Gives random parts, the same ones for the same seed."""

    def __init__(self, seed: int = 11) -> None:
        self._random = random.Random(seed)  # noqa: S311 - these secrets guard nothing

    def some(self, length: int, alphabet: str = LETTERS_AND_DIGITS) -> str:
        """Return random characters with at least one letter and one digit where both are in it."""
        while True:
            value = "".join(self._random.choices(alphabet, k=length))
            has_both = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
            if has_both or length < 8 or alphabet.isdigit() or alphabet.isalpha():
                return value

    def hexadecimal(self, length: int) -> str:
        """Return random hexadecimal digits in small letters."""
        return self.some(length, "0123456789abcdef")

    def raw(self, length: int) -> bytes:
        """Return random bytes."""
        return self._random.randbytes(length)

    def in_base64(self, length: int) -> str:
        """Return `length` random bytes in base64."""
        return base64.b64encode(self.raw(length)).decode()

    def identifier(self) -> str:
        """Return a UUID of version 4."""
        parts = (self.hexadecimal(8), self.hexadecimal(4), self.hexadecimal(3))
        return f"{parts[0]}-{parts[1]}-4{parts[2]}-a{self.hexadecimal(3)}-{self.hexadecimal(12)}"

    def checked(self, prefix: str) -> str:
        """Return a token of GitHub's or npm's: 30 characters and their CRC32 in base 62.

        Source: GitHub's engineering blog, "Behind GitHub's new authentication token formats"
        (2021); npm took over the form.
        """
        body = self.some(30)
        number, digits = zlib.crc32(body.encode()), ""
        while number:
            number, rest = divmod(number, 62)
            digits = BASE62[rest] + digits
        return prefix + body + digits.rjust(6, "0")

    def web_token(self, algorithm: str = "HS256", **claims: object) -> str:
        """Return a JSON web token (RFC 7519)."""
        body = {"sub": self.some(12), "iat": 1764400000, "exp": 1769584000, **claims}
        size = 32 if algorithm == "HS256" else 256
        parts = (json.dumps({"alg": algorithm, "typ": "JWT"}).encode(), json.dumps(body).encode())
        return ".".join(_url_safe(part) for part in (*parts, self.raw(size)))

    def pem(self, kind: str, *, size: int = 1190, head: str = "") -> str:
        """Return a block in PEM (RFC 7468) of `size` random bytes."""
        text = self.in_base64(size)
        lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
        return f"-----BEGIN {kind}-----\n{head}{lines}\n-----END {kind}-----\n"


def _url_safe(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
