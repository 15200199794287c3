from __future__ import annotations

import base64
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from app.ports.callbacks import CallbackPort, callback_problem, derive_callback_secret, is_public
from app.ports.errors import Ambiguous, GiveUp, Misconfigured, RetryLater
from tests.ports.far_end import FarEnd, Reply, certificate, closed_port, far_end

SECRET = derive_callback_secret("api-key-secret")
DATA = {"case_id": "c1", "state": "sent"}
HOST = "hooks.example.test"


def port(*allowed: str, **changes: object) -> CallbackPort:
    return CallbackPort({"bot": SECRET}, allowed, **changes)  # type: ignore[arg-type]


def send(callbacks: CallbackPort, url: str, key: str = "bot") -> str:
    return callbacks.send("c1-4", url, key, "case.decided", DATA).remote_id


def leads_to(*addresses: str) -> object:
    return lambda host, port: addresses


def test_a_named_host_gets_a_signed_callback_over_plain_http() -> None:
    with far_end(Reply(202)) as there:
        callbacks = port("127.0.0.1", clock=lambda: datetime.now(UTC))
        assert send(callbacks, f"{there.url}/hook?x=1") == "c1-4"
    (taken,) = there.taken
    assert taken.path == "/hook?x=1"
    body = Webhook(SECRET).verify(taken.body, dict(taken.headers))
    assert (body["type"], body["data"]) == ("case.decided", DATA)
    assert taken.headers["webhook-id"] == "c1-4"


def test_each_api_key_signs_with_a_secret_of_its_own_that_does_not_show_the_key() -> None:
    assert derive_callback_secret("api-key-secret") == SECRET
    assert derive_callback_secret("other") != SECRET
    assert SECRET.startswith("whsec_")
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    assert len(key) == 32
    assert b"api-key" not in key


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%lo",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "not an address",
    ],
)
def test_an_inner_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_outer_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://hooks.example.com/x", "https"),
        ("https://127.0.0.1/x", "private"),
        ("https://[::1]/x", "private"),
        ("https://[::ffff:10.0.0.1]/x", "private"),
        ("https://u:p@hooks.example.com/x", "password"),
        ("ftp://hooks.example.com/x", "https"),
        ("file:///etc/passwd", "https"),
        ("/hook", "https"),
        ("", "https"),
        ("https://[::1", "cannot be read"),
    ],
)
def test_a_callback_url_that_can_never_do_is_refused_before_anything_is_looked_up(url: str, named: str) -> None:
    problem = callback_problem(url, ())
    assert "callback_url" in problem
    assert named in problem

    def never(host: str, port: int) -> tuple[str, ...]:
        raise AssertionError("looked up")

    with pytest.raises(GiveUp):
        send(port(resolve=never), url)


def test_hosts_are_named_with_or_without_port_whatever_their_case() -> None:
    for allowed in ("localhost", "localhost:9000", " LocalHost "):
        assert callback_problem("http://localhost:9000/x", [allowed]) == ""
    assert callback_problem("http://localhost:9001/x", ["localhost:9000"]) != ""
    assert callback_problem("http://[::1]:9000/x", ["::1"]) == ""
    assert callback_problem("https://hooks.example.com/x", []) == ""


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("93.184.216.34", "10.0.0.1"), ("169.254.169.254",), ("::1",)])
def test_a_name_that_leads_inside_is_refused(addresses: tuple[str, ...]) -> None:
    with pytest.raises(GiveUp) as caught:
        send(port(resolve=leads_to(*addresses)), f"https://{HOST}/x")
    assert caught.value.code == "private_address"
    assert "COUNTERSIGN_CALLBACK_HOSTS" in caught.value.remedy


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001"])
def test_a_name_that_the_system_resolves_to_loopback_is_refused_without_a_connection(host: str) -> None:
    with far_end(Reply()) as there:
        with pytest.raises((GiveUp, RetryLater)):
            send(port(), f"https://{host}:{there.port}/x")
        assert there.taken == []


def test_the_name_is_looked_up_once_and_the_connection_goes_to_the_judged_address() -> None:
    asked: list[tuple[str, int]] = []

    def once(host: str, port: int) -> tuple[str, ...]:
        asked.append((host, port))
        return ("127.0.0.1",)

    with far_end(Reply()) as there:
        send(port(HOST, resolve=once), f"http://{HOST}:{there.port}/x")
    assert asked == [(HOST, there.port)]
    assert there.taken[0].headers["host"] == f"{HOST}:{there.port}"


def test_the_next_address_is_tried_only_when_the_first_takes_no_connection() -> None:
    # 127.0.0.2 is loopback too, but nobody listens there.
    with far_end(Reply()) as there:
        send(port(HOST, resolve=leads_to("127.0.0.2", "127.0.0.1")), f"http://{HOST}:{there.port}/x")
    assert len(there.taken) == 1
    with far_end(Reply(503)) as busy:
        with pytest.raises(RetryLater):
            send(port(HOST, resolve=leads_to("127.0.0.1", "127.0.0.1")), f"http://{HOST}:{busy.port}/x")
        assert len(busy.taken) == 1


def test_a_redirect_is_not_followed() -> None:
    with far_end(Reply()) as inside, far_end(Reply(307, headers={"location": inside.url})) as there:
        with pytest.raises(GiveUp, match="redirect"):
            send(port("127.0.0.1"), there.url)
        assert inside.taken == []


def test_outcomes_follow_the_table_and_a_callback_may_be_repeated() -> None:
    for reply, verdict in ((Reply(410), GiveUp), (Reply(503), RetryLater), (Reply(fault="reset"), Ambiguous)):
        with far_end(reply) as there, pytest.raises(verdict):
            send(port("127.0.0.1"), there.url)
    with pytest.raises(RetryLater):
        send(port("127.0.0.1"), f"http://127.0.0.1:{closed_port()}")
    assert CallbackPort.idempotent == {"Callback"}


def test_a_name_that_cannot_be_resolved_is_tried_again_later() -> None:
    def fails(host: str, port: int) -> tuple[str, ...]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(RetryLater):
        send(port(resolve=fails), f"https://{HOST}/x")


def test_a_case_of_a_removed_api_key_has_no_callbacks() -> None:
    with pytest.raises(GiveUp, match="API key") as caught:
        send(port(), f"https://{HOST}/x", key="gone")
    assert "COUNTERSIGN_API_KEYS" in caught.value.remedy


def test_a_secret_of_another_form_stops_at_once() -> None:
    with pytest.raises(Misconfigured):
        CallbackPort({"bot": "plain"})


# --- TLS: the certificate is the name's, though the connection goes to an address ---------------------------------


def _send_over_tls(there: FarEnd, trust: ssl.SSLContext) -> str:
    callbacks = port(HOST, resolve=leads_to("127.0.0.1"), verify=trust)
    return send(callbacks, f"https://{HOST}:{there.port}/x")


def test_sni_and_certificate_are_those_of_the_name(tmp_path: Path) -> None:
    server, trust = certificate(tmp_path, HOST)
    asked: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: asked.append(name)
    with far_end(Reply(), tls=server) as there:
        assert _send_over_tls(there, trust) == "c1-4"
    assert asked == [HOST]


def test_a_certificate_of_another_name_gets_nothing(tmp_path: Path) -> None:
    server, trust = certificate(tmp_path, "other.example.test")
    with far_end(Reply(), tls=server) as there:
        with pytest.raises(RetryLater, match="certificate"):
            _send_over_tls(there, trust)
        assert there.taken == []
