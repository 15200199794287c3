from __future__ import annotations

import logging
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from app.ports.errors import Ambiguous, GiveUp, Misconfigured, RetryLater
from app.ports.http import CONNECT, LONGEST_BODY, HttpDestination, header_value, retry_after
from tests.make import NOW
from tests.ports.far_end import Reply, a_json, certificate, closed_port, far_end

QUICK = httpx.Timeout(0.3)


def destination(url: str, **changes: object) -> HttpDestination:
    given: dict[str, object] = {
        "url_setting": "COUNTERSIGN_X_URL",
        "credential_setting": "COUNTERSIGN_X_TOKEN",
        "transport": httpx.HTTPTransport(),
        "timeout": QUICK,
        "clock": lambda: NOW,
    }
    return HttpDestination("The desk", url, **{**given, **changes})  # type: ignore[arg-type]


def outcome(reply: Reply, method: str = "POST") -> Exception | int:
    with far_end(reply) as there:
        try:
            return destination(there.url).request(method, "/x", json={"a": 1}, look_at="ticket 7").status
        except (RetryLater, GiveUp, Ambiguous) as exc:
            return exc


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 521, 529])
def test_an_answer_that_says_not_now_is_tried_again(status: int) -> None:
    error = outcome(Reply(status))
    assert isinstance(error, RetryLater)
    assert error.code == str(status)
    assert error.after is None


@pytest.mark.parametrize("status", [504, 507, 520, 599])
def test_a_failure_that_may_have_been_done_is_ambiguous(status: int) -> None:
    error = outcome(Reply(status))
    assert isinstance(error, Ambiguous)
    assert error.look_at == "ticket 7"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 410, 413, 418, 422, 451, 501])
def test_a_refusal_is_final_and_says_what_to_do(status: int) -> None:
    error = outcome(Reply(status))
    assert isinstance(error, GiveUp)
    assert str(status) in error.error
    assert error.remedy
    assert "{" not in error.remedy


def test_refused_credentials_name_their_setting() -> None:
    error = outcome(Reply(401))
    assert isinstance(error, GiveUp)
    assert "COUNTERSIGN_X_TOKEN" in error.remedy


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with far_end(Reply()) as elsewhere, far_end(Reply(status, headers={"location": elsewhere.url})) as there:
        with pytest.raises(GiveUp, match="redirect") as caught:
            destination(there.url).request("POST", json={})
        assert "COUNTERSIGN_X_URL" in caught.value.remedy
        assert len(there.taken) == 1
        assert elsewhere.taken == []


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    in_a_minute = format_datetime(NOW + timedelta(seconds=60), usegmt=True)
    for given, seconds in [("7", 7.0), (in_a_minute, 60.0)]:
        error = outcome(Reply(429, headers={"retry-after": given}))
        assert isinstance(error, RetryLater)
        assert error.after == seconds


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("999999", 86_400.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("Mon, 02 Mar 2026 09:00:30 -0000", 30.0),
        ("Mon, 99 Mar 2026 09:00:30 GMT", None),
    ],
)
def test_an_odd_retry_after_does_no_harm(given: str | None, seconds: float | None) -> None:
    assert retry_after(given, NOW) == seconds


def test_a_connection_never_made_is_tried_again() -> None:
    with pytest.raises(RetryLater) as caught:
        destination(f"http://127.0.0.1:{closed_port()}").request("POST", json={})
    assert caught.value.code == CONNECT


@pytest.mark.parametrize("fault", ["stall", "reset", "close"])
def test_silence_after_the_request_was_taken_is_ambiguous(fault: str) -> None:
    with far_end(Reply(fault=fault)) as there:  # type: ignore[arg-type]
        with pytest.raises(Ambiguous) as caught:
            destination(there.url).request("POST", json={"text": "x"}, look_at="ticket 7")
        assert caught.value.look_at == "ticket 7"
        assert len(there.taken) == 1


def test_an_answer_that_drips_is_cut_off_in_the_end(tmp_path: Path) -> None:
    with far_end(Reply(fault="drip")) as there, pytest.raises(Ambiguous):
        destination(there.url, total=0.4).request("POST", json={})
    server, trust = certificate(tmp_path, "localhost")
    over_tls = httpx.HTTPTransport(verify=trust)
    with far_end(Reply(fault="drip"), tls=server) as there, pytest.raises(Ambiguous):
        destination(f"https://localhost:{there.port}", transport=over_tls, total=0.4).request("POST", json={})
    assert len(there.taken) == 1


@pytest.mark.parametrize("reply", [Reply(fault="stall"), Reply(fault="reset"), Reply(504)])
def test_reading_is_never_ambiguous(reply: Reply) -> None:
    assert isinstance(outcome(reply, "GET"), RetryLater)


def test_a_success_whose_body_is_lost_is_ambiguous_unless_the_body_does_not_matter() -> None:
    with far_end(Reply(200, b'{"id"', fault="cut_body")) as there:
        with pytest.raises(Ambiguous):
            destination(there.url).request("POST", json={})
        assert destination(there.url).request("POST", json={}, read=False).status == 200


def test_a_refusal_whose_body_is_lost_is_still_that_refusal() -> None:
    error = outcome(Reply(422, b"partly", fault="cut_body"))
    assert isinstance(error, GiveUp)


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (httpx.ConnectTimeout("late"), RetryLater),
        (httpx.PoolTimeout("full"), RetryLater),
        (httpx.ProxyError("no"), RetryLater),
        (httpx.WriteTimeout("late"), Ambiguous),
        (httpx.WriteError("gone"), Ambiguous),
        (httpx.ReadError("gone"), Ambiguous),
        (httpx.RemoteProtocolError("odd"), Ambiguous),
        (httpx.DecodingError("odd"), Ambiguous),
        (httpx.LocalProtocolError("odd"), GiveUp),
        (httpx.UnsupportedProtocol("odd"), GiveUp),
    ],
)
def test_each_fault_of_the_client_has_a_verdict(fault: Exception, verdict: type[Exception]) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise fault

    with pytest.raises(verdict):
        destination("http://desk.test", transport=httpx.MockTransport(broken)).request("POST", json={})


def test_expected_statuses_come_back_with_their_body() -> None:
    with far_end(a_json({"error": "conflict"}, 409)) as there:
        answer = destination(there.url).request("PUT", "/t", json={}, expect=frozenset({409}))
    assert (answer.status, answer.json()) == (409, {"error": "conflict"})


def test_a_body_without_end_is_cut() -> None:
    with far_end(Reply(200, b"x" * (LONGEST_BODY + 4096))) as there:
        answer = destination(there.url, timeout=httpx.Timeout(5)).request("GET")
    assert len(answer.body) == LONGEST_BODY
    assert answer.json() is None


def test_the_address_stands_as_it_is_and_paths_are_joined() -> None:
    with far_end(Reply()) as there:
        destination(f"{there.url}/hook?k=1").request("POST", json={})
        destination(f"{there.url}/base/").request("GET", "/tickets/7")
    assert [r.path for r in there.taken] == ["/hook?k=1", "/base/tickets/7"]


@pytest.mark.parametrize("url", ["desk.example.com", "ftp://desk.example.com", "http://", "http://[::1"])
def test_an_unusable_address_is_refused_at_once_and_names_its_setting(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        destination(url)
    assert caught.value.setting == "COUNTERSIGN_X_URL"


@pytest.mark.parametrize("value", ["", "a b", "tok\nen", "tök"])
def test_a_credential_that_fits_no_header_names_its_setting_and_is_not_shown(value: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        header_value(value, "COUNTERSIGN_X_TOKEN")
    assert caught.value.setting == "COUNTERSIGN_X_TOKEN"
    assert not value or value not in str(caught.value)


def test_nothing_of_request_or_answer_is_logged_or_raised(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reply = a_json({"message": "Ada Lovelace <ada@example.com> is unknown"}, 422)
    with far_end(reply) as there, pytest.raises(GiveUp) as caught:
        destination(f"{there.url}/secret-path").request("POST", json={"text": "Dear Ada"})
    for said in (caplog.text, str(caught.value), repr(caught.value.args)):
        assert "Ada" not in said
        assert "ada@" not in said
        assert "secret-path" not in said
