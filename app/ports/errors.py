"""What can come of handing something to the outside.

    PortError
    ├── RetryLater      provably not done: hand it over again, no sooner than `after`
    ├── GiveUp          refused for good: `error` says what happened, `remedy` what a person should do
    ├── Ambiguous       it may have arrived: look for the marker, never repeat blindly
    ├── BadSignature    an incoming webhook that its sender's secret did not sign, or signed too long ago
    └── Misconfigured   a setting no request could ever work with; raised when a port is built, never when it sends

No message ever carries customer text, a name, an address, a token, a whole URL or an answer's body: these are logged,
shown in Slack and kept in the audit log.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from app.core.errors import CountersignError


class SendResult(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that arrived: `remote_id` as the destination calls it; Slack messages have `channel_id` and `ts`."""

    remote_id: str = ""
    channel_id: str = ""
    ts: str = ""


# Nothing was to be done: the customer has no ticket in the CRM (CR3 `skip`). Callers count it.
SKIPPED = SendResult(remote_id="skipped")


class Found(Enum):
    """Whether a delivery's marker is at its destination."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class PortError(CountersignError):
    """`code` is the vendor's own word (an HTTP status, a Slack error code), for tables and figures."""

    code: str = ""


class RetryLater(PortError):
    def __init__(self, reason: str, *, after: float | None = None, code: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after  # seconds, from Retry-After; None leaves the pause to the retry schedule
        self.code = code


class GiveUp(PortError):
    def __init__(self, error: str, remedy: str, *, code: str = "") -> None:
        super().__init__(f"{error}. {remedy}" if remedy else error)
        self.error = error
        self.remedy = remedy
        self.code = code


class Ambiguous(PortError):
    def __init__(self, error: str, look_at: str, *, code: str = "") -> None:
        super().__init__(f"{error}; look at {look_at}" if look_at else error)
        self.error = error
        self.look_at = look_at
        self.code = code


class BadSignature(PortError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Misconfigured(PortError):
    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting} {problem}")
        self.setting = setting
        self.problem = problem
