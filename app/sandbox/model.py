"""The nouns of a workspace, as plain records."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class User:
    id: str
    name: str
    real_name: str
    title: str = ""
    email: str = ""
    color: str = "4a154b"
    tz: str = "Europe/Berlin"
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    bot_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)  # custom profile fields: field id -> value

    @property
    def initials(self) -> str:
        return "".join(part[0] for part in self.real_name.split()[:2]).upper()


@dataclass
class Group:
    """A user group; `users` keeps the order people were added in."""

    id: str
    handle: str
    name: str
    users: list[str]
    channel: str = ""


@dataclass
class Channel:
    id: str
    name: str
    topic: str = ""
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_im: bool = False
    im_user: str = ""
    is_archived: bool = False
    created: int = 0

    @property
    def kind(self) -> str:
        """Slack's own conversation type name."""
        if self.is_im:
            return "im"
        return "private_channel" if self.is_private else "public_channel"


@dataclass
class Content:
    """What a message says; replaced as a whole by an edit."""

    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    pings: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Message:
    """One message. `ephemeral_to` names the only person who sees it; `versions` holds what it said before."""

    ts: str
    channel: str
    user: str
    content: Content
    bot_id: str = ""
    username: str = ""
    thread_ts: str | None = None
    broadcast: bool = False
    subtype: str | None = None
    ephemeral_to: str | None = None
    deleted: bool = False
    edited_ts: str | None = None
    shows_edited: bool = False
    replies: list[str] = field(default_factory=list)
    reply_users: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[Json] = field(default_factory=list)
    state: dict[str, dict[str, Json]] = field(default_factory=dict)
    versions: list[Content] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.content.text

    @property
    def blocks(self) -> list[Json]:
        return self.content.blocks

    @property
    def attachments(self) -> list[Json]:
        return self.content.attachments

    @property
    def metadata(self) -> Json | None:
        return self.content.metadata

    @property
    def pings(self) -> list[str]:
        return self.content.pings

    @property
    def links(self) -> list[tuple[str, str]]:
        return self.content.links

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass
class View:
    """A modal or App Home as Slack keeps it; `body` is the validated view the app sent."""

    id: str
    user: str
    body: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    trigger_owner: str = ""
    state: dict[str, dict[str, Json]] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return str(self.body["type"])

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.body["blocks"]
        return blocks


class SlackError(Exception):
    """A refusal in Slack's words: `{ok: false, error: code, **extra}` with this HTTP status and headers."""

    def __init__(self, code: str, status: int = 200, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.headers = headers or {}
        self.extra = extra

    def body(self) -> Json:
        return {"ok": False, "error": self.code, **self.extra}
