import httpx
import pytest

from notebake.errors import PreflightError
from notebake.machines import worker_address
from notebake.machines.worker_address import address_seen_by_amazon, address_towards, ssh_sources
from notebake.recipe import Network, Recipe


def test_the_route_to_a_local_network_starts_on_this_machine() -> None:
    assert address_towards("127.0.0.0/8") == "127.0.0.1"


def test_a_network_without_a_route_is_reported() -> None:
    with pytest.raises(PreflightError, match="no route to 255") as caught:
        address_towards("255.255.255.255/32")

    assert "ssh_from" in caught.value.hint


def test_cidr_blocks_of_the_recipe_are_used_in_order() -> None:
    network = Network(ssh_from=("203.0.113.7/32", "192.0.2.0/24"))

    assert ssh_sources(Recipe(name="ocean", network=network)) == ("192.0.2.0/24", "203.0.113.7/32")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(200, text="203.0.113.7\n"), "203.0.113.7"),
        (httpx.Response(200, text="<html>log in</html>"), ""),
        (httpx.Response(503), ""),
    ],
    ids=["an address", "a captive portal", "an error"],
)
def test_an_invalid_address_from_amazon_is_refused(
    answer: httpx.Response, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer.request = httpx.Request("GET", worker_address.CHECK_URL)
    urls: list[str] = []

    def get(url: str, **_: object) -> httpx.Response:
        urls.append(url)
        return answer

    monkeypatch.setattr(httpx, "get", get)
    if expected:
        assert address_seen_by_amazon() == expected
    else:
        with pytest.raises(PreflightError) as caught:
            address_seen_by_amazon()
        assert "ssh_from" in caught.value.hint
    assert urls == [worker_address.CHECK_URL]
