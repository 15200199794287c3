"""Arguments of a Web API call as Slack reads them from form, query or JSON, and what a method is."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import seed
from .config import SandboxConfig
from .faults import Faults
from .model import Channel, Json, SlackError, User
from .ratelimit import Buckets
from .workspace import Workspace


def missing(name: str) -> SlackError:
    messages = [f"[ERROR] missing required field: {name}"]
    return SlackError("invalid_arguments", response_metadata={"messages": messages})


class Args:
    """Typed reading of loosely typed arguments; a missing or malformed one is `invalid_arguments`."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        return default if value is None else str(value)

    def need(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise missing(name)
        return value

    def flag(self, name: str) -> bool:
        return str(self.values.get(name, "")).lower() in ("true", "1")

    def number(self, name: str, default: int) -> int:
        try:
            return int(self.values.get(name, default))
        except (TypeError, ValueError):
            raise SlackError("invalid_arguments") from None

    def structure(self, name: str, error: str) -> Any:
        """JSON given as such or as a string; None when absent, `error` when it does not parse."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(error) from None

    def page(self, most: int, default: int = 100) -> tuple[int, int]:
        """(offset, limit) from `cursor` and `limit`."""
        limit = self.number("limit", default)
        if not 1 <= limit <= most:
            raise SlackError("invalid_limit")
        cursor = self.text("cursor")
        if not cursor:
            return 0, limit
        try:
            return int(base64.b64decode(cursor).decode().removeprefix("next:")), limit
        except ValueError:
            raise SlackError("invalid_cursor") from None


def cursor_after(offset: int, limit: int, total: int) -> str:
    """The next cursor, or an empty string at the end."""
    end = offset + limit
    return base64.b64encode(f"next:{end}".encode()).decode() if end < total else ""


@dataclass
class Context:
    """What a method works on."""

    config: SandboxConfig
    workspace: Workspace
    faults: Faults
    buckets: Buckets
    base_url: str = ""

    def require(self, *scopes: str) -> None:
        """missing_scope unless the bot token was granted each of these."""
        lacking = [scope for scope in scopes if scope not in self.config.scopes]
        if lacking:
            provided = ",".join(self.config.scopes)
            raise SlackError("missing_scope", needed=",".join(lacking), provided=provided)

    def user(self, user_id: str) -> User:
        user = self.workspace.users.get(user_id)
        if user is None:
            raise SlackError("user_not_found")
        return user

    def channel(self, reference: str, *, by_name: bool = False) -> Channel:
        """The conversation an app may know of: by id, or where Slack allows it by name."""
        found = self.workspace.channels.get(reference)
        if found is None and by_name:
            try:
                found = self.workspace.channel_named(reference)
            except KeyError:
                found = None
        if found is None or (found.kind != "public_channel" and seed.BOT_USER not in found.members):
            raise SlackError("channel_not_found")
        return found

    def joined(self, reference: str, *, by_name: bool = False) -> Channel:
        """A conversation the bot is a member of."""
        channel = self.channel(reference, by_name=by_name)
        if seed.BOT_USER not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def permalink(self, channel: str, ts: str, thread_ts: str | None = None) -> str:
        link = f"{self.base_url}/archives/{channel}/p{ts.replace('.', '')}"
        return f"{link}?thread_ts={thread_ts}&cid={channel}" if thread_ts and thread_ts != ts else link


Handler = Callable[[Context, Args], Json]


@dataclass(frozen=True)
class Method:
    """A Web API method: the scopes it always needs, and how many calls a minute Slack promises."""

    handle: Handler
    scopes: tuple[str, ...] = ()
    per_minute: int = 50
    app_token: bool = False


_READ = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}


def read_scope(kind: str) -> str:
    return _READ[kind]


def history_scope(kind: str) -> str:
    return _READ[kind].replace(":read", ":history")
