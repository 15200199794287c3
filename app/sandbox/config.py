"""What a sandbox is told when it is built."""

import time
from collections.abc import Callable
from dataclasses import dataclass

DEFAULT_SCOPES = (
    "chat:write",
    "commands",
    "channels:read",
    "channels:history",
    "groups:read",
    "groups:history",
    "im:write",
    "im:history",
    "users:read",
    "users:read.email",
    "users.profile:read",
    "usergroups:read",
    "files:write",
    "reactions:write",
)
DEFAULT_EVENTS = (
    "message.channels",
    "message.groups",
    "message.im",
    "app_home_opened",
    "member_joined_channel",
    "member_left_channel",
    "channel_archive",
    "channel_unarchive",
    "user_change",
    "subteam_members_changed",
)


@dataclass(frozen=True)
class Shortcut:
    """A global shortcut, as an app's manifest names it."""

    callback_id: str
    name: str
    description: str = ""


@dataclass
class SandboxConfig:
    """Times in seconds. `now` makes message timestamps; signatures always carry the wall clock."""

    bot_url: str = "http://127.0.0.1:8000"
    signing_secret: str = "sandbox-signing-secret"  # noqa: S105
    bot_token: str = "xoxb-sandbox"  # noqa: S105
    app_token: str = "xapp-sandbox"  # noqa: S105
    helpdesk_secret: str = "whsec_c2FuZGJveC1oZWxwZGVzay1zZWNyZXQtMDAwMQ=="  # noqa: S105
    crm_token: str = "sandbox-crm"  # noqa: S105
    api_key: str = ""
    now: Callable[[], float] = time.time
    set_speed: Callable[[float], None] | None = None
    advance: Callable[[float], None] | None = None
    speed: Callable[[], float] | None = None
    public_url: str = ""
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    events: tuple[str, ...] = DEFAULT_EVENTS
    echo_own_messages: bool = True
    wall: Callable[[], float] = time.monotonic
    ack_timeout: float = 3.0
    trigger_lifetime: float = 3.0
    event_retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    rate_clock: Callable[[], float] | None = None
    rate_burst: int = 3
    rate_tiers: bool = False
    stall_seconds: float = 30.0
    commands: tuple[str, ...] = ("/approvals",)
    shortcuts: tuple[Shortcut, ...] = (Shortcut("cs:new", "New reply", "A reply of your own, for others to approve"),)
    escape_commands: bool = True
