"""The Events API: a queue, one sender, and Slack's three retries."""

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from . import seed
from .config import SandboxConfig
from .faults import Faults
from .model import Json
from .transport import Ack

Send = Callable[[Json, tuple[int, str] | None], Ack]
_REASONS = {
    "timeout": "http_timeout",
    "connection_failed": "connection_failed",
    "http_error": "http_error",
    "dropped": "timeout",
}
_SCOPES = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
    "channel_archive": "channels:read",
    "channel_unarchive": "channels:read",
    "user_change": "users:read",
    "subteam_members_changed": "usergroups:read",
}
IDLE_SECONDS = 1.0
HELD_SECONDS = 0.3
MAX_RETRIES_KEPT = 1000


@dataclass
class _Queued:
    payload: Json
    at: float
    overtaken: bool = False


@dataclass(order=True)
class _Retry:
    due: float
    number: int
    reason: str
    payload: Json = field(compare=False)


class EventPump:
    """Delivers events in order on one thread that ends when there is nothing to do."""

    def __init__(self, config: SandboxConfig, faults: Faults, send: Send) -> None:
        self._config = config
        self._faults = faults
        self._send = send
        self._wake = threading.Condition()
        self._queue: deque[_Queued] = deque()
        self._retries: list[_Retry] = []
        self._busy = False
        self._thread: threading.Thread | None = None
        self._closed = False
        self.sent: list[tuple[Json, int, Ack]] = []

    def emit(self, scope: str, event: Json) -> None:
        """Queue an event if the app subscribed to it and may read it."""
        needed = _SCOPES.get(scope)
        if scope not in self._config.events or (needed and needed not in self._config.scopes):
            return
        own = event.get("user") == seed.BOT_USER and event.get("type") == "message"
        if own and not self._config.echo_own_messages:
            return
        self.put(self.wrap(event))

    def wrap(self, event: Json) -> Json:
        """The event in its outer envelope."""
        grant = {
            "enterprise_id": None,
            "team_id": seed.TEAM_ID,
            "user_id": seed.BOT_USER,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": "sandbox-verification-token",
            "team_id": seed.TEAM_ID,
            "context_team_id": seed.TEAM_ID,
            "context_enterprise_id": None,
            "api_app_id": seed.APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{uuid4().hex[:10].upper()}",
            "event_time": int(self._config.now()),
            "authorizations": [grant],
            "is_ext_shared_channel": False,
            "event_context": f"4-{uuid4().hex}",
        }

    def put(self, payload: Json) -> None:
        with self._wake:
            if self._closed:
                return
            self._queue.append(_Queued(payload, time.monotonic()))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-events", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def drain(self, timeout: float = 10.0) -> bool:
        """Wait until everything queued was tried once (retries may be pending); False on time-out."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._queue and not self._busy, timeout)

    @property
    def pending_retries(self) -> int:
        return len(self._retries)

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._queue.clear()
            self._retries.clear()
            thread = self._thread
            self._wake.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(self._config.ack_timeout + 2)

    def reopen(self) -> None:
        with self._wake:
            self._closed = False

    def _run(self) -> None:
        while True:
            work = self._next()
            if work is None:
                return
            payload, retry = work
            try:
                self._deliver(payload, retry)
            finally:
                with self._wake:
                    self._busy = False
                    self._wake.notify_all()

    def _next(self) -> tuple[Json, tuple[int, str] | None] | None:
        """The next delivery; None when idle for a while, and the thread should end."""
        idle_until = time.monotonic() + IDLE_SECONDS
        with self._wake:
            while True:
                found = self._pick()
                if found is not None:
                    self._busy = True
                    return found
                left = idle_until - time.monotonic()
                waiting = bool(self._retries or self._queue)
                if self._closed or (left <= 0 and not waiting):
                    self._thread = None
                    return None
                self._wake.wait(0.1 if waiting else left)

    def _pick(self) -> tuple[Json, tuple[int, str] | None] | None:
        if self._closed:
            return None
        if self._retries and self._retries[0].due <= self._config.now():
            retry = heapq.heappop(self._retries)
            return retry.payload, (retry.number, retry.reason)
        if not self._queue:
            return None
        first = self._queue[0]
        if self._faults.get("out_of_order_delivery") and not first.overtaken:
            if len(self._queue) > 1:
                second = self._queue[1]
                del self._queue[1]
                first.overtaken = True
                return second.payload, None
            if time.monotonic() < first.at + HELD_SECONDS:
                return None
        return self._queue.popleft().payload, None

    def _deliver(self, payload: Json, retry: tuple[int, str] | None) -> None:
        ack = self._send(payload, retry)
        number = retry[0] if retry else 0
        self.sent.append((payload, number, ack))
        del self.sent[:-1000]
        if retry is None and self._faults.take("duplicate_delivery"):
            self._send(payload, (1, "http_timeout"))
        delays = self._config.event_retry_delays
        if ack.ok or number >= len(delays) or ack.headers.get("x-slack-no-retry") == "1":
            return
        due = self._config.now() + delays[number]
        again = _Retry(due, number + 1, _REASONS.get(ack.error, "unknown_error"), payload)
        with self._wake:
            if len(self._retries) < MAX_RETRIES_KEPT and not self._closed:
                heapq.heappush(self._retries, again)
