"""Records as the JSON Slack shows an app, and app content as Slack stores it."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import seed
from .model import Channel, Content, Group, Json, Message, User, View
from .validation import block_elements

if TYPE_CHECKING:
    from .workspace import Workspace


def normalise(content: Content, next_id: Callable[[str], str]) -> Content:
    """A copy with the ids and defaults Slack fills in."""
    blocks = normal_blocks(content.blocks, next_id)
    return replace(content, blocks=blocks, attachments=copy.deepcopy(content.attachments))


def normal_blocks(blocks: list[Json], next_id: Callable[[str], str]) -> list[Json]:
    """A deep copy with generated block and action ids, `emoji` and `verbatim` filled in."""
    made: list[Json] = copy.deepcopy(blocks)
    for block in made:
        block.setdefault("block_id", next_id("b"))
        for _, element in block_elements(block):
            element.setdefault("action_id", next_id("a"))
        _fill_text(block)
    return made


def _fill_text(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _fill_text(item)
    elif isinstance(node, dict):
        if node.get("type") == "plain_text":
            node.setdefault("emoji", True)
        elif node.get("type") == "mrkdwn":
            node.setdefault("verbatim", False)
        else:
            for value in node.values():
                _fill_text(value)


def message_json(message: Message, workspace: "Workspace", *, metadata: bool = True) -> Json:
    """A message as `conversations.history` and events carry it."""
    out: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
    out["team"] = seed.TEAM_ID
    sender = workspace.users[message.user]
    if message.bot_id:
        out["bot_id"] = message.bot_id
        out["app_id"] = seed.APP_ID if message.user == seed.BOT_USER else "A0OTHER"
        out["bot_profile"] = bot_json(sender)
    if message.subtype:
        out["subtype"] = message.subtype
    if message.deleted:
        out |= {"subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT"}
    elif message.blocks:
        out["blocks"] = message.blocks
    if message.attachments and not message.deleted:
        out["attachments"] = message.attachments
    if message.username:
        out["username"] = message.username
    if message.shows_edited and message.edited_ts:
        out["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.files:
        out["files"] = message.files
    if message.reactions:
        out["reactions"] = [
            {"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()
        ]
    if metadata and message.metadata is not None:
        out["metadata"] = message.metadata
    out |= _thread_json(message, workspace)
    return out


def _thread_json(message: Message, workspace: "Workspace") -> Json:
    if message.is_reply and message.thread_ts:
        root = workspace.find(message.channel, message.thread_ts)
        return {"thread_ts": message.thread_ts, "parent_user_id": root.user if root else "USLACKBOT"}
    shown = visible_replies(message, workspace)
    if not shown:
        return {}
    return {
        "thread_ts": message.ts,
        "reply_count": len(shown),
        "reply_users": message.reply_users[:5],
        "reply_users_count": len(message.reply_users),
        "latest_reply": shown[-1],
        "is_locked": False,
        "subscribed": False,
    }


def visible_replies(message: Message, workspace: "Workspace") -> list[str]:
    """Timestamps of the replies everybody sees."""
    found = ((ts, workspace.find(message.channel, ts)) for ts in message.replies)
    return [ts for ts, reply in found if reply is not None and reply.ephemeral_to is None]


def bot_json(user: User) -> Json:
    return {
        "id": user.bot_id,
        "app_id": seed.APP_ID if user.id == seed.BOT_USER else "A0OTHER",
        "user_id": user.id,
        "name": user.name,
        "deleted": user.deleted,
        "updated": 0,
        "icons": {},
        "team_id": seed.TEAM_ID,
    }


def user_json(user: User, *, email: bool) -> Json:
    """A user as `users.info` gives it; the address only where the token may read it."""
    first, _, last = user.real_name.partition(" ")
    profile: Json = {
        "title": user.title,
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "first_name": first,
        "last_name": last,
        "status_text": "",
        "status_emoji": "",
        "team": seed.TEAM_ID,
    }
    if email and user.email:
        profile["email"] = user.email
    if user.is_bot:
        profile |= {"bot_id": user.bot_id, "api_app_id": seed.APP_ID if user.id == seed.BOT_USER else ""}
    out: Json = {
        "id": user.id,
        "team_id": seed.TEAM_ID,
        "name": user.name,
        "deleted": user.deleted,
        "profile": profile,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 0,
    }
    if not user.deleted:
        out |= {
            "color": user.color,
            "real_name": user.real_name,
            "tz": user.tz,
            "tz_label": user.tz,
            "tz_offset": 0,
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": user.is_restricted,
            "is_ultra_restricted": False,
            "is_email_confirmed": True,
        }
    return out


def channel_json(channel: Channel, *, member: bool) -> Json:
    """A conversation as `conversations.info` gives it to an app that is, or is not, a member."""
    common: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.is_archived,
        "is_im": channel.is_im,
        "is_org_shared": False,
        "context_team_id": seed.TEAM_ID,
    }
    if channel.is_im:
        return common | {"user": channel.im_user, "is_user_deleted": False, "priority": 0}
    return common | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_general": channel.name == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "is_member": member,
        "creator": "U03PRIYA",
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": channel.topic, "creator": "", "last_set": 0},
        "num_members": len(channel.members),
    }


def group_json(group: Group, *, users: bool) -> Json:
    out: Json = {
        "id": group.id,
        "team_id": seed.TEAM_ID,
        "is_usergroup": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 0,
        "date_update": 0,
        "date_delete": 0,
        "auto_type": None,
        "prefs": {"channels": [], "groups": []},
        "user_count": len(group.users),
    }
    return out | {"users": list(group.users)} if users else out


def view_json(view: View) -> Json:
    """A view as Slack returns it and sends it in payloads."""
    body = view.body
    out: Json = {
        "id": view.id,
        "team_id": seed.TEAM_ID,
        "type": view.type,
        "blocks": view.blocks,
        "private_metadata": body.get("private_metadata", ""),
        "callback_id": body.get("callback_id", ""),
        "external_id": body.get("external_id", ""),
        "state": {"values": view.state},
        "hash": view.hash,
        "title": body.get("title", {"type": "plain_text", "text": "View Title", "emoji": True}),
        "clear_on_close": body.get("clear_on_close", False),
        "notify_on_close": body.get("notify_on_close", False),
        "close": body.get("close"),
        "submit": body.get("submit"),
        "previous_view_id": view.previous_id,
        "root_view_id": view.root_id,
        "app_id": seed.APP_ID,
        "app_installed_team_id": seed.TEAM_ID,
        "bot_id": seed.BOT_ID,
    }
    return out
