import pytest
from fastapi import Request

from shared.kit.http.network import client_network


def request_from(peer: str | None, real_ip: str | None = None) -> Request:
    headers = [(b"x-real-ip", real_ip.encode())] if real_ip is not None else []
    client = (peer, 4711) if peer is not None else None
    return Request({"type": "http", "headers": headers, "client": client})


class TestClientNetwork:
    @pytest.mark.parametrize(
        "address, network",
        [
            ("203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("not an address", "unknown"),
            ("", "unknown"),
        ],
    )
    def test_is_an_address_or_the_64_of_an_ipv6_address(self, address: str, network: str) -> None:
        assert client_network(request_from("10.0.0.1", real_ip=address)) == network

    def test_without_the_header_it_is_the_peer(self) -> None:
        assert client_network(request_from("127.0.0.1")) == "127.0.0.1"

    def test_without_a_peer_it_is_unknown(self) -> None:
        assert client_network(request_from(None)) == "unknown"
