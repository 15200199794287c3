"""How a vendor's SDK reaches its far end: under our own headers, bounded in time and size; and what its faults mean.

`httpx2` comes with both SDKs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import closing

import httpx2
import msgspec

from app.ports.errors import GiveUp, PortError, RetryLater
from app.ports.http import CONNECT, LONGEST_BODY, check_base, deadline, retry_after, utc_now
from app.ports.llm import CREDENTIAL_SETTING, MODEL_SETTING, URL_SETTING

CONNECT_SECONDS = 5.0
# Generous: models that think spend most of it before they write. A longer answer is cut and refused.
LONGEST_ANSWER_TOKENS = 8_192
NAME = "The language model"

# They log whole URLs and, at DEBUG, headers.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_HEADERS = {"accept": "application/json", "content-type": "application/json", "user-agent": "countersign"}
_TAKEN = ("content-type", "retry-after")


class Refusal(msgspec.Struct, frozen=True):
    """What a status means when it is no success. Without a remedy it may be asked again later."""

    what: str
    remedy: str = ""


_REQUEST = f"Check that {MODEL_SETTING} can give structured output"
STATUS: Mapping[int, Refusal] = {
    400: Refusal("refuses the request", _REQUEST),
    401: Refusal("does not accept the key", f"Check {CREDENTIAL_SETTING}"),
    402: Refusal("wants to be paid first", "Check the account's credit with the vendor"),
    403: Refusal("forbids this with the key given", f"Check {CREDENTIAL_SETTING} and what it may use"),
    404: Refusal("does not know the model or the address", f"Check {MODEL_SETTING} and {URL_SETTING}"),
    405: Refusal("takes no such request at this address", f"Check {URL_SETTING}"),
    408: Refusal("did not get the whole request in time"),
    409: Refusal("is busy with another request"),
    413: Refusal("finds the request too large", "Choose a model that takes longer texts"),
    422: Refusal("refuses a value in the request", _REQUEST),
    425: Refusal("is not ready yet"),
    429: Refusal("asks to slow down"),
    501: Refusal("does not support the request", f"Check {URL_SETTING}"),
    529: Refusal("is overloaded"),
}
# By hundreds, for what the table does not name.
STATUS_CLASS: Mapping[int, Refusal] = {
    3: Refusal("answered with a redirect, which is never followed", f"Set {URL_SETTING} to the final address"),
    4: Refusal("refuses the request", _REQUEST),
    5: Refusal("reports an internal error"),
}
# The first that fits.
FAULTS: tuple[tuple[type[Exception], str, str], ...] = (
    (httpx2.ConnectTimeout, "did not take the connection in time", CONNECT),
    (httpx2.ConnectError, "could not be connected to", CONNECT),
    (httpx2.TimeoutException, "did not answer in time", "timeout"),
    (Exception, "lost the connection before its answer was whole", "connection"),
)


def base_url(url: str, default: str) -> httpx2.URL:
    """The address as it was set, or the vendor's. Raises Misconfigured."""
    if url:
        check_base(url, URL_SETTING)
    return httpx2.URL(url or default)


def refused(status: int, pause: str | None) -> PortError:
    """What an answer that is no success means; its body plays no part. `pause` is its Retry-After."""
    rule = STATUS.get(status) or STATUS_CLASS.get(status // 100, STATUS_CLASS[5])
    said = f"{NAME} {rule.what} ({status})"
    if rule.remedy:
        return GiveUp(said, rule.remedy, code=str(status))
    return RetryLater(said, after=retry_after(pause, utc_now()), code=str(status))


def unreached(cause: BaseException | None) -> PortError:
    """What a request without an answer means. Nothing is changed by asking again."""
    what, code = next((what, code) for kind, what, code in FAULTS if isinstance(cause or Exception(), kind))
    return RetryLater(f"{NAME} {what}", code=code)


def declined(code: str) -> GiveUp:
    return GiveUp(f"{NAME} declined to answer", "A person writes this one", code=code)


def cut_short(code: str) -> GiveUp:
    return GiveUp(f"{NAME} stopped before its answer was complete", "A person writes this one", code=code)


def limits(seconds: float) -> httpx2.Timeout:
    """For the SDK's `timeout`; `Exchange` takes its read part for the whole."""
    return httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))


def client(headers: Mapping[str, str], network: httpx2.BaseTransport | None = None) -> httpx2.Client:
    """For the SDK's `http_client`. `network` replaces the network; a proxy of the environment is never used."""
    return httpx2.Client(transport=Exchange(headers, network), trust_env=False, follow_redirects=False)


class Exchange(httpx2.BaseTransport):
    """One whole exchange for each request.

    Only our own headers go out: an SDK adds its version and platform, and credentials it finds in the environment.
    """

    def __init__(self, headers: Mapping[str, str], network: httpx2.BaseTransport | None) -> None:
        self._headers = {**_HEADERS, **headers}
        # A fresh connection each: the deadline ends the one it saw being made.
        fresh = httpx2.Limits(max_keepalive_connections=0)
        self._network = network or httpx2.HTTPTransport(trust_env=False, limits=fresh)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        seconds = float(request.extensions["timeout"]["read"])
        ends = time.monotonic() + seconds
        with deadline(seconds) as trace:
            sent = httpx2.Request(
                request.method,
                request.url,
                headers=self._headers,
                content=request.read(),
                extensions={**request.extensions, "trace": trace},
            )
            try:
                with closing(self._network.handle_request(sent)) as response:
                    body = _read(response)
            except httpx2.TransportError as fault:
                if time.monotonic() >= ends and not isinstance(fault, httpx2.TimeoutException):
                    raise httpx2.ReadTimeout("the whole answer took too long") from fault
                raise
        taken = {name: response.headers[name] for name in _TAKEN if name in response.headers}
        return httpx2.Response(response.status_code, headers=taken, content=body, request=request)

    def close(self) -> None:
        self._network.close()


def _read(response: httpx2.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > LONGEST_BODY:
            break
    return b"".join(parts)[:LONGEST_BODY]
