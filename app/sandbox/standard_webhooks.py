"""Checking a Standard Webhooks signature, written from the specification and from nothing of ours."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

TOLERANCE = 300


def refusal(secret: str, headers: Mapping[str, str], body: bytes, clocks: tuple[float, ...]) -> str:
    """Why this request is not genuine and fresh by any of the clocks (unix seconds); empty when it is."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    for name in names:
        if not headers.get(name):
            return f"missing header {name}"
    message_id, stamp, signatures = (headers[name] for name in names)
    if not stamp.isdigit():
        return "webhook-timestamp is not unix seconds"
    if all(abs(clock - int(stamp)) > TOLERANCE for clock in clocks):
        return "webhook-timestamp is more than 5 minutes off"
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return "the receiver's secret is not base64"
    signed = f"{message_id}.{stamp}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [one.removeprefix("v1,") for one in signatures.split() if one.startswith("v1,")]
    return "" if any(hmac.compare_digest(expected, one) for one in given) else "signature does not match"
