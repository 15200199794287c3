"""What was found out about Slack: which channel each name means, and whether it can be reached (SL2, OP6)."""

from __future__ import annotations

from app.core.errors import Refused
from app.core.office.change import OfficeChange
from app.core.office.values import BindChannels, MarkSlack


def bind(change: OfficeChange, command: BindChannels) -> None:
    known = {**change.office.channels, **command.channels}
    if known == change.office.channels:
        raise Refused("unchanged", "These channels are known already.")
    change.set(channels=known)
    change.record("ChannelsBound", channels=dict(sorted(command.channels.items())))


def mark(change: OfficeChange, command: MarkSlack) -> None:
    """Each role once an outage, by whichever replica is first."""
    office = change.office
    if command.lost_at is None:
        if office.slack_lost_at is None:
            raise Refused("unchanged", "Slack is known to be there.")
        change.set(slack_lost_at=None, slack_told=())
        change.record("SlackBack")
        return
    new = [role for role in command.roles if role not in office.slack_told]
    if (office.slack_lost_at is not None and not new) or len(new) < len(command.roles):
        raise Refused("unchanged", "These roles were told already.")
    since = office.slack_lost_at or command.lost_at
    change.set(slack_lost_at=since, slack_told=(*office.slack_told, *new))
    change.record("SlackLost", since=since.isoformat(), roles=new)
