"""A message in Slack that shows a case, and where it stands."""

from __future__ import annotations

from typing import Literal

from app.core.assessment import Value


class Packet(Value, frozen=True, kw_only=True):
    """A Slack message that shows the case. `ts` is None until Slack took it; `shown` is the digest Slack shows now.

    kind `packet` has the decision buttons, `write_reply` is the helper packet of DE10, `escalation` stands in a further
    channel, `signoff` is the request in the thread of packet `parent`. One that cannot be shown in its role's channel
    keeps that channel's name as `home`; with a `person` it stands in the direct messages with them.
    """

    key: str
    kind: Literal["packet", "write_reply", "escalation", "signoff"]
    role: str
    channel: str
    parent: str = ""
    request_hash: str = ""  # signoff: the text it asks about
    channel_id: str = ""
    ts: str | None = None
    shown: str = ""
    can_decide: bool = True
    home: str = ""
    person: str = ""
    gone: tuple[str, ...] = ()  # ts of its messages that are not there any more
    brief: bool = False  # Slack refused the whole one
    lost: bool = False  # nowhere left to show it
    digest: str = ""  # the digest with a line about it
    folded: bool = False  # that line is all there is of it
    asked_by: tuple[str, ...] = ()  # who opened it there, until they are told that it stands

    @property
    def queue(self) -> str:
        """The channel of its role, wherever it stands."""
        return self.home or self.channel
