"""Finds the issuer of a server certificate that this computer does not trust."""

import http.client
import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from botocore.exceptions import SSLError
from cryptography import x509

CONNECT_SECONDS = 3
"""A short limit, as the result only improves an error message."""


def is_untrusted(error: BaseException | None) -> bool:
    """Return whether a connection failed because the server's certificate is not trusted.

    This error is permanent; other TLS errors may be transient.
    """
    if not isinstance(error, SSLError):
        return False
    inner = error.kwargs.get("error")
    while isinstance(inner, BaseException):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return True
        made_of = (*inner.args, inner.__cause__)
        inner = next((part for part in made_of if isinstance(part, BaseException)), None)
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def find_issuer(url: str) -> str:
    """Return the issuer of the certificate at a URL; "" if it cannot be determined.

    Connects without verification, through the proxy that botocore would use, and sends nothing.
    """
    try:
        found = x509.load_der_x509_certificate(_peer_certificate(url))
        return found.issuer.rfc4514_string()
    except (OSError, ValueError, http.client.HTTPException):
        return ""


def _peer_certificate(url: str) -> bytes:
    """Return the certificate of a server, as DER.

    Raises:
        OSError: the server does not answer, or sends no certificate.
        ValueError: the URL, or that of the proxy, is invalid.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    proxy = "" if proxy_bypass(host) else getproxies().get("https", "")
    via = urlsplit(proxy if "//" in proxy else f"//{proxy}") if proxy else parts
    connection = http.client.HTTPSConnection(
        via.hostname or "", via.port or port, timeout=CONNECT_SECONDS, context=unverified
    )
    if proxy:
        connection.set_tunnel(host, port)
    try:
        connection.connect()
        certificate = connection.sock.getpeercert(binary_form=True)
    finally:
        connection.close()
    if not certificate:
        raise OSError(f"{host} sends no certificate")
    return bytes(certificate)
