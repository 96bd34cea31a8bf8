"""What httpx raises if the environment names a proxy that it cannot use, such as socks."""

import httpx

UNUSABLE_PROXY = (ImportError, ValueError, httpx.InvalidURL)
