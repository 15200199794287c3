"""API keys: `COUNTERSIGN_API_KEYS` read, and a bearer token found among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Literal, get_args

import msgspec

from app.core.errors import CountersignError
from app.ports.callbacks import derive_callback_secret

Scope = Literal["submit", "read", "audit", "assert_transaction"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
DEFAULT_SCOPES: frozenset[Scope] = frozenset({"submit", "read"})
SETTING = "COUNTERSIGN_API_KEYS"
# A name is written into events as `api:<name>` and in front of idempotency keys, so it holds no separator.
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECRET = re.compile(r"[!-~]{1,500}")


class BadApiKeys(CountersignError, ValueError):
    """The setting cannot be read; the message names the entry and never holds a secret."""


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    scopes: frozenset[Scope]

    @property
    def actor(self) -> str:
        return f"api:{self.name}"


class ApiKeys:
    def __init__(self, entries: Iterable[tuple[ApiKey, str]] = ()) -> None:
        self._secrets: dict[str, str] = {}
        self._known: list[tuple[bytes, ApiKey]] = []
        for key, secret in entries:
            digest = sha256(secret.encode()).digest()
            if key.name in self._secrets:
                raise BadApiKeys(f"{SETTING}: two keys are named {key.name}")
            if any(digest == known for known, _ in self._known):
                raise BadApiKeys(f"{SETTING}: {key.name} has the secret of another key")
            self._secrets[key.name] = secret
            self._known.append((digest, key))

    @classmethod
    def parse(cls, text: str) -> ApiKeys:
        """`name:secret` or `name:secret:scope+scope`, comma-separated; raises BadApiKeys."""
        entries = [(n, entry.strip()) for n, entry in enumerate(text.split(","), start=1) if entry.strip()]
        return cls(_entry(number, entry) for number, entry in entries)

    def find(self, secret: str) -> ApiKey | None:
        """Compares digests, every one of them, so that the time taken tells nothing about any secret."""
        digest = sha256(secret.encode()).digest()
        found: ApiKey | None = None
        for known, key in self._known:
            if compare_digest(known, digest):
                found = key
        return found

    def callback_secrets(self) -> Mapping[str, str]:
        """The `whsec_…` secret of each key by its name."""
        return {name: derive_callback_secret(secret) for name, secret in self._secrets.items()}

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"ApiKeys({', '.join(self._secrets)})"


def _entry(number: int, entry: str) -> tuple[ApiKey, str]:
    parts = entry.split(":")
    if len(parts) not in (2, 3):
        raise BadApiKeys(f"{SETTING}: entry {number} is not name:secret or name:secret:scope+scope")
    name, secret, *rest = (part.strip() for part in parts)
    if not _NAME.fullmatch(name):
        raise BadApiKeys(f"{SETTING}: the name of entry {number} may hold letters, digits, '.', '_' and '-' only")
    if not _SECRET.fullmatch(secret):
        raise BadApiKeys(f"{SETTING}: the secret of {name} is empty, too long or not plain ASCII")
    return ApiKey(name=name, scopes=_scopes(name, rest[0]) if rest else DEFAULT_SCOPES), secret


def _scopes(name: str, text: str) -> frozenset[Scope]:
    given = {scope.strip() for scope in text.split("+")} - {""}
    unknown = sorted(given - set(SCOPES))
    if unknown or not given:
        raise BadApiKeys(f"{SETTING}: {name} has {'an unknown scope' if unknown else 'no scope'}; expected {SCOPES}")
    return frozenset(scope for scope in SCOPES if scope in given)
