"""One HTTP destination: bounded requests, no redirects, and two tables that say what an answer or a fault means."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

import httpx
import msgspec

from app.ports.errors import Ambiguous, GiveUp, Misconfigured, PortError, RetryLater

# They log whole URLs and, at DEBUG, headers: a response_url or a callback's query is a credential.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
LONGEST_BODY = 4 * 1024 * 1024
TOTAL_SECONDS = 30.0
LONGEST_PAUSE = 86_400.0
# A kept-alive connection that the far end closes just as it is reused looks like one lost after the request left: a
# delivery a person must then settle. A fresh connection for each costs a round trip.
LIMITS = httpx.Limits(max_keepalive_connections=0)


class Verdict(Enum):
    RETRY = "retry"
    AMBIGUOUS = "ambiguous"
    GIVE_UP = "give up"


class Rule(msgspec.Struct, frozen=True):
    """`what` completes "<destination> …"; `remedy` may name {url} and {credential}, the settings to look at."""

    verdict: Verdict
    what: str
    remedy: str = ""


_RETRY, _AMBIGUOUS, _GIVE_UP = Verdict.RETRY, Verdict.AMBIGUOUS, Verdict.GIVE_UP
_CREDENTIAL = "Check {credential}, and that it may write there, then redrive the delivery"

STATUS: Mapping[int, Rule] = {
    400: Rule(_GIVE_UP, "calls the request malformed", "Compare its fields with what the destination expects"),
    401: Rule(_GIVE_UP, "does not accept the credentials", _CREDENTIAL),
    403: Rule(_GIVE_UP, "forbids this with the credentials given", _CREDENTIAL),
    404: Rule(_GIVE_UP, "does not know the address or the ticket", "Check {url} and that the ticket still exists"),
    405: Rule(_GIVE_UP, "takes no such request at this address", "Check {url}"),
    408: Rule(_RETRY, "did not get the whole request in time"),
    409: Rule(_GIVE_UP, "reports a conflict with the ticket as it is now", "Look at the ticket, then redrive"),
    410: Rule(_GIVE_UP, "says the address or the ticket is gone", "Check {url} and that the ticket still exists"),
    413: Rule(_GIVE_UP, "finds the request too large", "Raise its limit or send a shorter text"),
    422: Rule(_GIVE_UP, "refuses a value in the request", "Compare its fields with what the destination expects"),
    425: Rule(_RETRY, "is not ready for the request yet"),
    429: Rule(_RETRY, "asks to slow down"),
    500: Rule(_RETRY, "reports an internal error"),
    501: Rule(_GIVE_UP, "does not support the request", "Check {url}"),
    502: Rule(_RETRY, "cannot be reached through its gateway"),
    503: Rule(_RETRY, "is unavailable"),
    504: Rule(_AMBIGUOUS, "gave no answer to its gateway in time"),
    # Codes of CDNs and vendors: the origin was never reached, or is known to shed load.
    521: Rule(_RETRY, "is down"),
    522: Rule(_RETRY, "could not be connected to by its gateway"),
    523: Rule(_RETRY, "could not be found by its gateway"),
    525: Rule(_RETRY, "failed the TLS handshake with its gateway"),
    526: Rule(_RETRY, "has a certificate its gateway rejects"),
    529: Rule(_RETRY, "is overloaded"),
}
# By hundreds, for what the table does not name. An unknown 5xx may have been done.
STATUS_CLASS: Mapping[int, Rule] = {
    1: Rule(_AMBIGUOUS, "answered with an unfinished reply"),
    3: Rule(_GIVE_UP, "answered with a redirect, which is never followed", "Set {url} to the final address"),
    4: Rule(_GIVE_UP, "refuses the request", "Compare its fields with what the destination expects"),
    5: Rule(_AMBIGUOUS, "failed in an unknown way"),
}
# The first that fits. Where a fault is not listed the request may have left.
FAULTS: tuple[tuple[type[Exception], Rule], ...] = (
    (httpx.ConnectTimeout, Rule(_RETRY, "did not take the connection in time")),
    (httpx.ConnectError, Rule(_RETRY, "could not be connected to")),
    (httpx.PoolTimeout, Rule(_RETRY, "has no free connection")),
    (httpx.ProxyError, Rule(_RETRY, "could not be connected to through the proxy")),
    (httpx.UnsupportedProtocol, Rule(_GIVE_UP, "has an address that is neither http nor https", "Check {url}")),
    (httpx.InvalidURL, Rule(_GIVE_UP, "has an address that cannot be read", "Check {url}")),
    (httpx.LocalProtocolError, Rule(_GIVE_UP, "cannot be sent such a header", "Check {credential}")),
    (httpx.ReadTimeout, Rule(_AMBIGUOUS, "took the request but did not answer in time")),
    (httpx.WriteTimeout, Rule(_AMBIGUOUS, "stopped taking the request")),
    (httpx.TransportError, Rule(_AMBIGUOUS, "lost the connection after the request left")),
    (httpx.HTTPError, Rule(_AMBIGUOUS, "gave an answer that cannot be read")),
)
CONNECT = "connect"  # code of a RetryLater whose connection was never made
SAFE_METHODS = frozenset({"GET", "HEAD"})


def utc_now() -> datetime:
    return datetime.now(UTC)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait for a Retry-After of seconds or an HTTP date; None if absent or unreadable; at most a day."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), LONGEST_PAUSE)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), LONGEST_PAUSE)


def header_value(value: str, setting: str) -> str:
    """A credential as it may stand in a header; raises Misconfigured naming its setting."""
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise Misconfigured(setting, "must be set, in plain ASCII without blanks")
    return value


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: httpx.Headers
    body: bytes = b""

    def json(self) -> Any:
        """The decoded body, or None where it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


class HttpDestination:
    """Where an adapter sends. `name` starts the sentences people read; the settings are named in their remedies.

    `transport` replaces the network (and any proxy from the environment).
    """

    def __init__(
        self,
        name: str,
        base_url: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        url_setting: str = "its address",
        credential_setting: str = "its credentials",
        transport: httpx.BaseTransport | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        total: float = TOTAL_SECONDS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        if base_url:
            check_base(base_url, url_setting)
        self.name = name
        self._base = base_url
        self._settings = {"url": url_setting, "credential": credential_setting}
        self._clock = clock
        self._total = total
        self._client = httpx.Client(
            headers=headers,
            timeout=timeout,
            limits=LIMITS,
            follow_redirects=False,
            transport=transport,
        )

    def request(
        self,
        method: str,
        path: str = "",
        *,
        look_at: str = "",
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        expect: frozenset[int] = frozenset(),
        read: bool = True,
        extensions: Mapping[str, Any] | None = None,
    ) -> Answer:
        """The answer if it is 2xx or one of `expect`; else RetryLater, GiveUp or Ambiguous, by the tables.

        `path` follows the base URL, which stands as it is if empty. `look_at` is where a person would see whether the
        request was done. `read=False` leaves a 2xx body alone. Nothing read by GET is ever ambiguous.
        """
        url = f"{self._base.rstrip('/')}{path}" if path else self._base
        sent = dict(headers or {})
        if json is not None:
            content = msgspec.json.encode(json)
            sent.setdefault("content-type", "application/json")
        try:
            with (
                deadline(self._total) as trace,
                self._client.stream(
                    method,
                    url,
                    content=content,
                    headers=sent,
                    params=params,
                    extensions={**(extensions or {}), "trace": trace},
                ) as response,
            ):
                wanted = response.is_success or response.status_code in expect
                body = _read(response) if read or not response.is_success else b""
                answer = Answer(response.status_code, response.headers, body)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self.fault(exc, method, look_at) from exc
        if not wanted:
            raise self.refusal(answer, method, look_at)
        return answer

    def refusal(self, answer: Answer, method: str, look_at: str = "") -> PortError:
        """What an answer that is not 2xx means; its body plays no part."""
        rule = STATUS.get(answer.status) or STATUS_CLASS.get(answer.status // 100, STATUS_CLASS[5])
        code = str(answer.status)
        pause = retry_after(answer.headers.get("retry-after"), self._clock())
        return self._error(rule, method, f"{self.name} {rule.what} ({code})", look_at, code, pause)

    def fault(self, exc: Exception, method: str, look_at: str = "") -> PortError:
        """What a request without an answer means."""
        rule = next(rule for kind, rule in FAULTS if isinstance(exc, kind))
        code = CONNECT if rule.verdict is _RETRY else type(exc).__name__
        # The operating system's own words on a connection never made say nothing of the request.
        detail = f" ({exc})" if isinstance(exc, httpx.ConnectError) and str(exc) else ""
        return self._error(rule, method, f"{self.name} {rule.what}{detail}", look_at, code, None)

    def close(self) -> None:
        self._client.close()

    def _error(self, rule: Rule, method: str, error: str, look_at: str, code: str, pause: float | None) -> PortError:
        match rule.verdict:
            case Verdict.GIVE_UP:
                return GiveUp(error, rule.remedy.format_map(self._settings), code=code)
            case Verdict.AMBIGUOUS if method not in SAFE_METHODS:
                return Ambiguous(error, look_at, code=code)
            case _:
                return RetryLater(error, after=pause, code=code)


def check_base(url: str, setting: str) -> None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Misconfigured(setting, "must be a whole http or https URL")


@contextmanager
def deadline(seconds: float) -> Iterator[Callable[[str, Mapping[str, Any]], None]]:
    """Ends a connection after `seconds`: httpx bounds each read, and a far end may send a byte before each bound."""
    sockets: list[socket.socket] = []

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            sockets.append(info["return_value"].get_extra_info("socket"))

    def end() -> None:
        # The last one: TLS takes the plain socket's place.
        with suppress(OSError, IndexError):
            sockets[-1].shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield trace
    finally:
        timer.cancel()


def _read(response: httpx.Response) -> bytes:
    """The body, bounded. What is lost of an error's body is no loss: its status says enough."""
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > LONGEST_BODY:
                break
    except httpx.HTTPError:
        if response.is_success:
            raise
    return b"".join(parts)[:LONGEST_BODY]
