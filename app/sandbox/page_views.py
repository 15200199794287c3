"""People, channels and messages as the sandbox page draws them."""

from .model import Channel, Group, Json, Message, User
from .render import visible_replies
from .workspace import Workspace


def user_view(user: User, groups: list[Group]) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "title": user.title,
        "initials": user.initials,
        "color": f"#{user.color}",
        "groups": [group.handle for group in groups if user.id in group.users],
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_restricted": user.is_restricted,
    }


def channel_view(channel: Channel, me: User, workspace: Workspace) -> Json:
    """A sidebar entry; every unread direct message counts as a mention."""
    unread, mention = workspace.unread(me.id, channel.id)
    return {
        "id": channel.id,
        "name": channel.name or "Countersign",
        "topic": channel.topic,
        "kind": "dm" if channel.is_im else "channel",
        "private": channel.is_private,
        "archived": channel.is_archived,
        "members": len(channel.members),
        "unread": unread,
        "mention": mention or (channel.is_im and unread > 0),
    }


def message_view(message: Message, workspace: Workspace) -> Json:
    """A message as the page draws it."""
    sender = workspace.users[message.user]
    shown = visible_replies(message, workspace)
    return {
        "ts": message.ts,
        "channel": message.channel,
        "user": message.user,
        "bot": sender.is_bot,
        "username": message.username or sender.real_name,
        "text": "This message was deleted." if message.deleted else message.text,
        "blocks": [] if message.deleted else message.blocks,
        "attachments": [] if message.deleted else message.attachments,
        "files": [] if message.deleted else message.files,
        "reactions": message.reactions,
        "thread_ts": message.thread_ts,
        "reply_count": len(shown),
        "reply_users": message.reply_users,
        "latest_reply": shown[-1] if shown else None,
        "broadcast": message.broadcast,
        "edited": message.shows_edited,
        "updated_ts": message.edited_ts,
        "ephemeral": message.ephemeral_to is not None,
        "deleted": message.deleted,
        "metadata": message.metadata,
        "pings": message.pings,
    }
