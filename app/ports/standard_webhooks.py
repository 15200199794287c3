"""Standard Webhooks, both ways: the three headers over `id.timestamp.body`, HMAC-SHA256 under a `whsec_` secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import msgspec

from app.ports.errors import BadSignature, Misconfigured

PREFIX = "whsec_"
TOLERANCE = 300  # seconds, either way
SHORTEST_KEY = 16  # bytes; the standard asks for 24, some senders give less


def secret_key(secret: str, setting: str) -> bytes:
    """The key in a `whsec_…` secret; raises Misconfigured naming the setting, never showing the secret."""
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) < SHORTEST_KEY:
        raise Misconfigured(setting, f"must read {PREFIX} followed by {SHORTEST_KEY} or more bytes in base64")
    return key


def envelope(kind: str, at: datetime, data: object) -> bytes:
    """The body `{type, timestamp, data}` in UTF-8."""
    return msgspec.json.encode({"type": kind, "timestamp": at, "data": data})


def sign(key: bytes, webhook_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Headers for a body exactly as it will be sent."""
    timestamp = str(int(at.timestamp()))
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{_signature(key, webhook_id, timestamp, body)}",
    }


def verify(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The webhook's id, or BadSignature. `headers` have lower-case names; `body` is as it came in."""
    webhook_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (webhook_id and timestamp and given):
        raise BadSignature("webhook-id, webhook-timestamp or webhook-signature is missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise BadSignature("webhook-timestamp is not a whole number of seconds")
    expected = _signature(key, webhook_id, timestamp, body).encode()
    # The signature first: who cannot sign learns nothing of our clock.
    candidates = [s.removeprefix("v1,").encode() for s in given.split(" ")[:10] if s.startswith("v1,")]
    if not any(hmac.compare_digest(expected, candidate) for candidate in candidates):
        raise BadSignature("webhook-signature does not fit the body")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise BadSignature(f"webhook-timestamp is more than {TOLERANCE // 60} minutes away")
    return webhook_id


def _signature(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
