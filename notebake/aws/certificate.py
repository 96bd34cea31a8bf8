"""Who signed the certificate of a server that this computer does not trust."""

import http.client
import os
import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from botocore.exceptions import SSLError
from cryptography import x509

LOOK_SECONDS = 3
"""So long may a look take that only makes a message better."""


def is_untrusted(error: BaseException | None) -> bool:
    """Tell whether a connection failed as the server's certificate is not one to be trusted.

    Such an answer does not pass; others of TLS may, as when a line is cut.
    """
    if not isinstance(error, SSLError):
        return False
    inner = error.kwargs.get("error")
    while isinstance(inner, BaseException):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return True
        made_of = (*inner.args, inner.__cause__)
        inner = next((one for one in made_of if isinstance(one, BaseException)), None)
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def find_issuer(url: str) -> str:
    """Return who signed the certificate that answers at a URL; "" where that cannot be seen.

    Asked without trusting it, by the proxy that AWS's own client would take, and nothing is sent.
    """
    try:
        found = x509.load_der_x509_certificate(_peer_certificate(url))
        return found.issuer.rfc4514_string()
    except (OSError, ValueError, http.client.HTTPException):
        return ""


def _peer_certificate(url: str) -> bytes:
    """Return the certificate that a server shows, as DER.

    Raises:
        OSError: it does not answer, or shows none.
        ValueError: the URL, or the proxy's, is none.
    """
    where = urlsplit(url)
    host, port = where.hostname or "", where.port or 443
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    proxy = "" if proxy_bypass(host) else getproxies().get("https", "")
    via = urlsplit(proxy if "//" in proxy else f"//{proxy}") if proxy else where
    connection = http.client.HTTPSConnection(
        via.hostname or "", via.port or port, timeout=LOOK_SECONDS, context=trusting
    )
    if proxy:
        connection.set_tunnel(host, port)
    try:
        connection.connect()
        shown = connection.sock.getpeercert(binary_form=True)
    finally:
        connection.close()
    if not shown:
        raise OSError(f"{host} shows no certificate")
    return bytes(shown)


def bundle_in_use() -> str:
    """Return the file of trusted certificates that the environment names; "" for none."""
    return os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or ""
