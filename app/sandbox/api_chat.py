"""chat.* and reactions.*: posting, editing, deleting."""

import json
from dataclasses import replace

from . import seed
from .api_args import Args, Context, Method, missing
from .model import Channel, Content, Json, Message, SlackError
from .mrkdwn import enliven
from .render import message_json
from .validation import MAX_BLOCK_TEXT, block_text_size, validate_attachments, validate_blocks

MAX_TEXT = 40_000
MAX_UPDATE_TEXT = 4_000
MAX_METADATA = 8_000
_CUSTOM = ("username", "icon_url", "icon_emoji")


def refusal(code: str, messages: list[str]) -> SlackError:
    """A block refusal with both lists Slack sends."""
    plain = [message.removeprefix("[ERROR] ") for message in messages]
    return SlackError(code, errors=plain, response_metadata={"messages": messages})


def checked_blocks(args: Args, *, limit_total: bool = True) -> list[Json]:
    """The blocks argument if Slack would take it; empty when absent."""
    blocks = args.structure("blocks", "invalid_blocks_format")
    if blocks is None:
        return []
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    messages = validate_blocks(blocks, "message")
    if messages:
        raise refusal("invalid_blocks", messages)
    if limit_total and block_text_size(blocks) > MAX_BLOCK_TEXT:
        raise SlackError("msg_blocks_too_long")
    return blocks


def _checked_attachments(args: Args) -> list[Json]:
    attachments = args.structure("attachments", "invalid_attachments")
    if attachments is None:
        return []
    messages = validate_attachments(attachments)
    if messages:
        raise refusal("invalid_attachments", messages)
    checked: list[Json] = attachments
    return checked


def _checked_metadata(args: Args) -> Json | None:
    metadata = args.structure("metadata", "invalid_metadata_format")
    if metadata is None or metadata == {}:
        return None
    if not isinstance(metadata, dict) or metadata.keys() - {"event_type", "event_payload", "entities"}:
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > MAX_METADATA:
        raise SlackError("metadata_too_large")
    return metadata


def content_from(ctx: Context, args: Args, *, limit_total: bool = True, most: int = MAX_TEXT) -> Content:
    """What a call wants said, checked in Slack's order: blocks, attachments, then whether there is any."""
    blocks = checked_blocks(args, limit_total=limit_total)
    attachments = _checked_attachments(args)
    text = args.text("text")
    if args.has("markdown_text"):
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        text = args.text("markdown_text")
    if not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    if len(text) > most:
        raise SlackError("msg_too_long")
    bare = args.flag("link_names") or args.text("parse") == "full"
    names = ctx.workspace.group_handles() if bare else None
    return enliven(text, blocks, attachments, _checked_metadata(args), names=names)


def _target(ctx: Context, reference: str) -> Channel:
    """Where to post: a channel by id or name, or a person, whose DM is opened."""
    if reference in ctx.workspace.users:
        ctx.require("im:write")
        return open_dm(ctx, reference)
    channel = ctx.joined(reference, by_name=True)
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def open_dm(ctx: Context, user_id: str) -> Channel:
    """The DM with that person, as `conversations.open` makes it."""
    user = ctx.user(user_id)
    if user.deleted:
        raise SlackError("user_disabled")
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    return ctx.workspace.dm(user_id)


def _spaced(ctx: Context, channel: Channel) -> None:
    """One message a second a channel, after a short burst."""
    if ctx.faults.get("slack_rate_limit") == "off":
        return
    wait = ctx.buckets.take(f"post:{channel.id}", 1.0, ctx.config.rate_burst)
    if wait:
        raise SlackError("ratelimited", 429, {"Retry-After": str(wait)})


def post_message(ctx: Context, args: Args) -> Json:
    channel = _target(ctx, args.need("channel"))
    if any(args.has(name) for name in _CUSTOM):
        ctx.require("chat:write.customize")
    content = content_from(ctx, args)
    _spaced(ctx, channel)
    message = ctx.workspace.post(
        channel,
        seed.BOT_USER,
        content,
        thread_ts=args.text("thread_ts") or None,
        broadcast=args.flag("reply_broadcast"),
        username=args.text("username"),
    )
    body = message_json(message, ctx.workspace)
    return {"channel": channel.id, "ts": message.ts, "message": body}


def post_ephemeral(ctx: Context, args: Args) -> Json:
    channel = ctx.joined(args.need("channel"), by_name=True)
    user = args.need("user")
    if channel.is_archived:
        raise SlackError("is_archived")
    if user not in channel.members or ctx.workspace.users[user].deleted:
        raise SlackError("user_not_in_channel")
    content = content_from(ctx, args)
    message = ctx.workspace.post(
        channel,
        seed.BOT_USER,
        content,
        thread_ts=args.text("thread_ts") or None,
        ephemeral_to=user,
    )
    return {"message_ts": message.ts}


def _own(ctx: Context, args: Args, channel: Channel, refused: str) -> Message:
    message = ctx.workspace.find(channel.id, args.need("ts"))
    if message is None or message.ephemeral_to is not None:
        raise SlackError("message_not_found")
    if message.user != seed.BOT_USER:
        raise SlackError(refused)
    return message


def update(ctx: Context, args: Args) -> Json:
    """Blocks and attachments left out survive only when no text is given; metadata left out survives."""
    channel = ctx.joined(args.need("channel"))
    message = _own(ctx, args, channel, "cant_update_message")
    if channel.is_archived:
        raise SlackError("is_archived")
    given = {name for name in ("text", "blocks", "attachments", "markdown_text") if args.has(name)}
    if not given:
        raise SlackError("no_text")
    kept = Args({"text": message.text, "blocks": message.blocks, "attachments": message.attachments})
    values = dict(args.values)
    if not given & {"text", "markdown_text"}:
        values = {**kept.values, **values}
    content = content_from(ctx, Args(values), most=MAX_UPDATE_TEXT)
    if not args.has("metadata"):
        content = replace(content, metadata=message.metadata)
    ctx.workspace.edit(message, content, shows_edited=not args.has("blocks"))
    body = message_json(message, ctx.workspace)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": body}


def delete(ctx: Context, args: Args) -> Json:
    channel = ctx.joined(args.need("channel"))
    message = _own(ctx, args, channel, "cant_delete_message")
    ctx.workspace.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def permalink(ctx: Context, args: Args) -> Json:
    channel = ctx.channel(args.need("channel"))
    message = ctx.workspace.find(channel.id, args.need("message_ts"))
    if message is None or message.ephemeral_to is not None:
        raise SlackError("message_not_found")
    return {"channel": channel.id, "permalink": ctx.permalink(channel.id, message.ts, message.thread_ts)}


def add_reaction(ctx: Context, args: Args) -> Json:
    channel = ctx.joined(args.need("channel"))
    name = args.text("name").strip(":")
    if not name:
        raise missing("name")
    message = ctx.workspace.find(channel.id, args.need("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    ctx.workspace.react(message, seed.BOT_USER, name)
    return {}


METHODS: dict[str, Method] = {
    "chat.postMessage": Method(post_message, ("chat:write",), per_minute=600),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",), per_minute=100),
    "chat.update": Method(update, ("chat:write",)),
    "chat.delete": Method(delete, ("chat:write",)),
    "chat.getPermalink": Method(permalink, per_minute=600),
    "reactions.add": Method(add_reaction, ("reactions:write",)),
}
