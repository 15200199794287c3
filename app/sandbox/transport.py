"""One signed request to the app, and what came back."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from slack_sdk.signature import SignatureVerifier

from .config import SandboxConfig
from .faults import Faults
from .model import Json

Answer = tuple[int, Mapping[str, str], bytes]
Poster = Callable[[bytes, dict[str, str], float], Answer]
STALE_BY = 600


@dataclass
class Ack:
    """`error` is empty, or one of timeout, connection_failed, http_error, dropped. `elapsed` in seconds."""

    error: str = ""
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    elapsed: float = 0.0
    via: str = "http"

    @property
    def ok(self) -> bool:
        return not self.error


def encode(kind: str, payload: Json) -> tuple[bytes, str]:
    """(body, content type) of a request: events as JSON, the rest as forms."""
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), "application/x-www-form-urlencoded"


def read_body(raw: bytes, content_type: str) -> Any:
    """JSON where it says JSON, text otherwise, None when empty; a str also for JSON that does not parse."""
    text = raw.decode("utf-8", "replace")
    if not text.strip():
        return None
    if "json" in content_type or text.lstrip()[:1] == "{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


class HttpTransport:
    """Posts to `{bot_url}/slack/events`. `post` replaces the network, e.g. to call an app in process."""

    def __init__(self, config: SandboxConfig, faults: Faults, post: Poster | None = None) -> None:
        self._config = config
        self._faults = faults
        self._post = post or self._over_http
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _over_http(self, body: bytes, headers: dict[str, str], timeout: float) -> Answer:
        with self._lock:
            if self._client is None:
                # No kept connections: one to an app that was restarted would look like a dead app.
                self._client = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
            client = self._client
        url = f"{self._config.bot_url.rstrip('/')}/slack/events"
        answer = client.post(url, content=body, headers=headers, timeout=timeout)
        return answer.status_code, answer.headers, answer.content

    def sign(self, body: bytes) -> dict[str, str]:
        """Slack's v0 signature headers over these bytes at the wall clock, unless a fault bends them."""
        secret = self._config.signing_secret
        if self._faults.take("bad_signature"):
            secret = f"not-{secret}"
        stamp = int(time.time()) - (STALE_BY if self._faults.take("old_timestamp") else 0)
        signature = SignatureVerifier(secret).generate_signature(timestamp=str(stamp), body=body)
        return {"x-slack-request-timestamp": str(stamp), "x-slack-signature": signature or ""}

    def send(self, kind: str, payload: Json, retry: tuple[int, str] | None = None) -> Ack:
        """Deliver and wait for the answer, at most the ack time-out."""
        body, content_type = encode(kind, payload)
        headers = {"content-type": content_type, "user-agent": "Slackbot 1.0", **self.sign(body)}
        if retry is not None:
            headers |= {"x-slack-retry-num": str(retry[0]), "x-slack-retry-reason": retry[1]}
        limit = self._config.ack_timeout
        started = time.monotonic()
        try:
            status, answered, raw = self._post(body, headers, limit)
        except httpx.TimeoutException:
            return Ack("timeout", elapsed=time.monotonic() - started)
        except httpx.HTTPError:
            return Ack("connection_failed", elapsed=time.monotonic() - started)
        elapsed = time.monotonic() - started
        answered = {key.lower(): value for key, value in answered.items()}
        error = "timeout" if elapsed > limit else "" if status == 200 else "http_error"
        return Ack(error, status, read_body(raw, answered.get("content-type", "")), answered, elapsed)
