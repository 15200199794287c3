from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from app.ports.errors import BadSignature, Misconfigured
from app.ports.standard_webhooks import envelope, secret_key, sign, verify
from tests.make import NOW

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
KEY = secret_key(SECRET, "S")
BODY = envelope("reply.send", NOW, {"text": "Grüße ✓"})


def test_the_reference_library_accepts_what_we_sign() -> None:
    now = datetime.now(UTC)
    body = envelope("reply.send", now, {"text": "Grüße ✓"})
    assert Webhook(SECRET).verify(body, sign(KEY, "c1-4", now, body))["data"] == {"text": "Grüße ✓"}


def test_we_accept_what_the_reference_library_signs() -> None:
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": "v1,AAAA v2,x " + Webhook(SECRET).sign("msg_1", NOW, BODY.decode()),
    }
    assert verify(KEY, headers, BODY, NOW) == "msg_1"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_accepted(seconds: int) -> None:
    assert verify(KEY, sign(KEY, "c1-4", NOW, BODY), BODY, NOW + timedelta(seconds=seconds)) == "c1-4"


@pytest.mark.parametrize("seconds", [-301, 301])
def test_more_than_five_minutes_are_refused(seconds: int) -> None:
    with pytest.raises(BadSignature, match="timestamp"):
        verify(KEY, sign(KEY, "c1-4", NOW, BODY), BODY, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "c1-5"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "²"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,é"},
    ],
)
def test_any_changed_header_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify(KEY, sign(KEY, "c1-4", NOW, BODY) | changes, BODY, NOW)


def test_a_changed_body_or_another_key_is_refused() -> None:
    headers = sign(KEY, "c1-4", NOW, BODY)
    with pytest.raises(BadSignature):
        verify(KEY, headers, BODY + b" ", NOW)
    with pytest.raises(BadSignature):
        verify(b"j" * 24, headers, BODY, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "hunter2hunter2hunter2", "whsec_!!!", "whsec_YWJj"])
def test_a_secret_of_another_form_names_its_setting_and_is_not_shown(secret: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        secret_key(secret, "COUNTERSIGN_HELPDESK_SECRET")
    assert caught.value.setting == "COUNTERSIGN_HELPDESK_SECRET"
    assert len(secret) < 8 or secret not in str(caught.value)
