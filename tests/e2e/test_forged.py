"""Requests that Slack did not sign, or that nobody could have meant: refused, without effect and without a fault."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.e2e.running import Office
from tests.e2e.town import AGENTS, OUTSIDER, Town, buttons, low_body

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def case_id(shared_town: Town, office: Office) -> str:
    """A case that any agent could approve with one click."""
    return shared_town.submit(low_body(shared_town.ticket()))


@pytest.fixture(scope="module")
def approval(shared_town: Town, case_id: str) -> bytes:
    """The body of a click that would approve the case, as Slack would have sent it."""
    packet = shared_town.message_with(case_id, "cs:approve")
    value = buttons(packet)["cs:approve"]["value"]
    recorded = shared_town.click(OUTSIDER, packet, "cs:approve").payload
    recorded["user"]["id"] = AGENTS[0]
    assert recorded["actions"][0]["value"] == value
    return urlencode({"payload": json.dumps(recorded)}).encode()


def _signed(town: Town, body: bytes, stamp: str = "", secret: str = "") -> dict[str, str]:
    stamp = stamp or str(int(time.time()))
    basis = f"v0:{stamp}:".encode() + body
    signature = hmac.new((secret or town.config.signing_secret).encode(), basis, "sha256").hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={signature}", "content-type": FORM}


def _post(town: Town, body: bytes, headers: Mapping[str, str] | list[tuple[bytes, bytes]]) -> httpx.Response:
    return httpx.post(f"{town.bots[0]}/slack/events", content=body, headers=headers, trust_env=False, timeout=20)


def _acts(town: Town, case_id: str) -> int:
    """What people did, or tried; deliveries go on by themselves meanwhile."""
    return sum(not event["actor"].startswith("system:") for event in town.events(case_id))


def _untouched(town: Town, case_id: str, acts: int) -> bool:
    return town.case(case_id)["state"] == "pending" and _acts(town, case_id) == acts


HeaderMaker = Callable[[Town, bytes], dict[str, str]]
FORGERIES: dict[str, HeaderMaker] = {
    "another secret": lambda town, body: _signed(town, body, secret="not-the-secret"),
    "five minutes old": lambda town, body: _signed(town, body, str(int(time.time()) - 301)),
    "from the future": lambda town, body: _signed(town, body, str(int(time.time()) + 400)),
    "no headers": lambda town, body: {"content-type": FORM},
    "no signature": lambda town, body: _signed(town, body) | {"x-slack-signature": ""},
    "no timestamp": lambda town, body: _signed(town, body) | {"x-slack-request-timestamp": ""},
    "no number": lambda town, body: _signed(town, body) | {"x-slack-request-timestamp": "yesterday"},
    "negative": lambda town, body: _signed(town, body) | {"x-slack-request-timestamp": "-1"},
    "too large for a float": lambda town, body: _signed(town, body) | {"x-slack-request-timestamp": "9" * 400},
    "too many digits": lambda town, body: _signed(town, body) | {"x-slack-request-timestamp": "9" * 5_000},
    "of another body": lambda town, body: _signed(town, body + b"&"),
    "without version": lambda town, body: {
        **_signed(town, body),
        "x-slack-signature": _signed(town, body)["x-slack-signature"].removeprefix("v0="),
    },
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_slack_did_not_sign_is_refused(town: Town, case_id: str, approval: bytes, forgery: HeaderMaker) -> None:
    acts = _acts(town, case_id)
    answer = _post(town, approval, forgery(town, approval))
    assert answer.status_code == 401, answer.text
    assert _untouched(town, case_id, acts)


@pytest.mark.parametrize("name", [b"x-slack-signature", b"x-slack-request-timestamp"])
def test_headers_outside_ascii_are_refused(town: Town, case_id: str, approval: bytes, name: bytes) -> None:
    acts = _acts(town, case_id)
    good = {k.encode(): v.encode() for k, v in _signed(town, approval).items()}
    for value in ("v0=ünïcode".encode(), "v0=ü".encode("latin-1"), b"v0=\xff\xfe", "١٢٣".encode()):
        answer = _post(town, approval, list({**good, name: value}.items()))
        assert answer.status_code == 401, answer.text
    assert _untouched(town, case_id, acts)


def _payload(value: Any) -> bytes:
    return urlencode({"payload": value if isinstance(value, str) else json.dumps(value)}).encode()


CLICK: dict[str, Any] = {"type": "block_actions", "user": {"id": AGENTS[0]}}
GARBAGE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", FORM),
    "no JSON": (b"{", "application/json"),
    "no UTF-8": (b"\xff\xfe\x00", FORM),
    "an array": (b"[1, 2]", "application/json"),
    "a number": (b"7", "application/json"),
    "null": (b"null", "application/json"),
    "payload is no JSON": (_payload("{"), FORM),
    "payload is an array": (_payload([]), FORM),
    "payload is null": (_payload("null"), FORM),
    "payload is empty": (_payload({}), FORM),
    "unknown type": (_payload({"type": "something_new"}), FORM),
    "actions missing": (_payload(CLICK), FORM),
    "actions empty": (_payload({**CLICK, "actions": []}), FORM),
    "actions of the wrong kind": (_payload({**CLICK, "actions": "cs:approve"}), FORM),
    "user of the wrong kind": (_payload({**CLICK, "user": "U1", "actions": [{"action_id": "cs:approve"}]}), FORM),
    "deep": (_payload("[" * 5_000 + "]" * 5_000), FORM),
    "event missing": (b'{"type": "event_callback"}', "application/json"),
    "event of the wrong kind": (b'{"type": "event_callback", "event": 3}', "application/json"),
    "view without state": (_payload({"type": "view_submission", "view": {"callback_id": "cs:edit"}}), FORM),
    "a command from nobody": (b"command=%2Fapprovals&text=case", FORM),
}


@pytest.mark.parametrize(("body", "kind"), GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_under_a_good_signature_is_no_fault_of_ours(town: Town, case_id: str, body: bytes, kind: str) -> None:
    acts = _acts(town, case_id)
    answer = _post(town, body, _signed(town, body) | {"content-type": kind})
    assert answer.status_code < 500, answer.text
    assert _untouched(town, case_id, acts)


def test_a_body_too_large_is_refused_before_it_is_verified(town: Town, case_id: str) -> None:
    body = b"payload=" + b"x" * 1_048_600
    assert _post(town, body, _signed(town, body)).status_code == 413


def test_the_same_body_with_a_good_signature_does_approve(town: Town, case_id: str, approval: bytes) -> None:
    """So that every refusal above was about the forgery."""
    assert _post(town, approval, _signed(town, approval)).status_code == 200
    assert town.case(case_id)["state"] in ("approved", "sending", "sent")
