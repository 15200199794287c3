"""Case ids: opaque, safe in URLs, Slack text and delivery ids."""

from __future__ import annotations

import re
import secrets

# Crockford's base32 in lower case: no i, l, o, u, so that an id read aloud is one id.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CASE_ID = re.compile(r"[A-Za-z0-9_-]{8,40}")


def new_case_id() -> str:
    """80 random bits."""
    return "c_" + "".join(secrets.choice(_ALPHABET) for _ in range(16))


def is_case_id(text: str) -> bool:
    """False for what no case can ever be called, so that it need not be looked up."""
    return _CASE_ID.fullmatch(text) is not None
