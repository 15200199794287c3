"""auth, bots, conversations, users and usergroups: what an app may look up."""

from . import seed
from .api_args import Args, Context, Method, cursor_after, history_scope, read_scope
from .api_chat import open_dm
from .model import Channel, Json, Message, SlackError
from .render import bot_json, channel_json, group_json, message_json, user_json


def auth_test(ctx: Context, _args: Args) -> Json:
    return {
        "url": f"{ctx.base_url}/",
        "team": seed.TEAM_NAME,
        "user": seed.BOT_NAME,
        "team_id": seed.TEAM_ID,
        "user_id": seed.BOT_USER,
        "bot_id": seed.BOT_ID,
        "is_enterprise_install": False,
    }


def api_test(_ctx: Context, args: Args) -> Json:
    if args.has("error"):
        raise SlackError(args.text("error"))
    return {"args": {key: value for key, value in args.values.items() if key != "token"}}


def bots_info(ctx: Context, args: Args) -> Json:
    wanted = args.need("bot")
    for user in ctx.workspace.users.values():
        if user.bot_id == wanted:
            return {"bot": bot_json(user)}
    raise SlackError("bot_not_found")


def _member(channel: Channel) -> bool:
    return seed.BOT_USER in channel.members


def conversations_list(ctx: Context, args: Args) -> Json:
    kinds = [kind.strip() for kind in args.text("types", "public_channel").split(",")]
    if any(kind not in ("public_channel", "private_channel", "im", "mpim") for kind in kinds):
        raise SlackError("invalid_types")
    ctx.require(*(read_scope(kind) for kind in kinds))
    offset, limit = args.page(1000)
    found = [
        channel
        for channel in ctx.workspace.channels.values()
        if channel.kind in kinds
        and (channel.kind == "public_channel" or _member(channel))
        and not (args.flag("exclude_archived") and channel.is_archived)
    ]
    page = [channel_json(channel, member=_member(channel)) for channel in found[offset : offset + limit]]
    return {
        "channels": page,
        "response_metadata": {"next_cursor": cursor_after(offset, limit, len(found))},
    }


def conversations_info(ctx: Context, args: Args) -> Json:
    channel = ctx.channel(args.need("channel"))
    ctx.require(read_scope(channel.kind))
    return {"channel": channel_json(channel, member=_member(channel))}


def conversations_members(ctx: Context, args: Args) -> Json:
    channel = ctx.channel(args.need("channel"))
    ctx.require(read_scope(channel.kind))
    offset, limit = args.page(1000)
    next_cursor = cursor_after(offset, limit, len(channel.members))
    members = channel.members[offset : offset + limit]
    return {"members": members, "response_metadata": {"next_cursor": next_cursor}}


def _in_range(messages: list[Message], args: Args) -> list[Message]:
    oldest, latest = args.text("oldest"), args.text("latest")
    try:
        low = float(oldest) if oldest else float("-inf")
        high = float(latest) if latest else float("inf")
    except ValueError:
        raise SlackError("invalid_ts_oldest" if oldest else "invalid_ts_latest") from None
    exact = {oldest, latest} if args.flag("inclusive") else set()
    return [m for m in messages if low < float(m.ts) < high or m.ts in exact]


def conversations_history(ctx: Context, args: Args) -> Json:
    channel = ctx.joined(args.need("channel"))
    ctx.require(history_scope(channel.kind))
    offset, limit = args.page(999)
    tombstones = [m for m in ctx.workspace.everything(channel.id) if m.deleted and m.replies]
    shown = sorted([*ctx.workspace.messages(channel.id), *tombstones], key=lambda m: m.ts, reverse=True)
    found = _in_range(shown, args)
    metadata = args.flag("include_all_metadata")
    page = [message_json(m, ctx.workspace, metadata=metadata) for m in found[offset : offset + limit]]
    next_cursor = cursor_after(offset, limit, len(found))
    body: Json = {"messages": page, "has_more": bool(next_cursor), "pin_count": 0}
    return body | ({"response_metadata": {"next_cursor": next_cursor}} if next_cursor else {})


def conversations_replies(ctx: Context, args: Args) -> Json:
    channel = ctx.joined(args.need("channel"))
    ctx.require(history_scope(channel.kind))
    ts = args.need("ts")
    message = ctx.workspace.find(channel.id, ts)
    root_ts = message.thread_ts if message is not None and message.thread_ts else ts
    thread = ctx.workspace.thread(channel.id, root_ts)
    if not thread or thread[0].ephemeral_to is not None:
        raise SlackError("thread_not_found")
    offset, limit = args.page(1000)
    root, *replies = thread
    found = [root, *_in_range(replies, args)]
    metadata = args.flag("include_all_metadata")
    page = [message_json(m, ctx.workspace, metadata=metadata) for m in found[offset : offset + limit]]
    next_cursor = cursor_after(offset, limit, len(found))
    body: Json = {"messages": page, "has_more": bool(next_cursor)}
    return body | ({"response_metadata": {"next_cursor": next_cursor}} if next_cursor else {})


def conversations_open(ctx: Context, args: Args) -> Json:
    if args.has("channel"):
        channel = ctx.channel(args.text("channel"))
    else:
        users = [user.strip() for user in args.need("users").split(",")]
        if len(users) > 1:
            ctx.require("mpim:write")
        channel = open_dm(ctx, users[0])
    short: Json = {"id": channel.id}
    return {"channel": channel_json(channel, member=True) if args.flag("return_im") else short}


def conversations_join(ctx: Context, args: Args) -> Json:
    channel = ctx.channel(args.need("channel"))
    if channel.kind != "public_channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    ctx.workspace.join(channel, seed.BOT_USER)
    return {"channel": channel_json(channel, member=True)}


def _reads_email(ctx: Context) -> bool:
    return "users:read.email" in ctx.config.scopes


def users_list(ctx: Context, args: Args) -> Json:
    offset, limit = args.page(1000, default=1000)
    users = list(ctx.workspace.users.values())
    page = [user_json(user, email=_reads_email(ctx)) for user in users[offset : offset + limit]]
    next_cursor = cursor_after(offset, limit, len(users))
    stamp = int(ctx.config.now())
    return {"members": page, "cache_ts": stamp, "response_metadata": {"next_cursor": next_cursor}}


def users_info(ctx: Context, args: Args) -> Json:
    return {"user": user_json(ctx.user(args.need("user")), email=_reads_email(ctx))}


def users_by_email(ctx: Context, args: Args) -> Json:
    email = args.need("email").lower()
    for user in ctx.workspace.users.values():
        if user.email.lower() == email and not user.deleted:
            return {"user": user_json(user, email=True)}
    raise SlackError("users_not_found")


def users_profile(ctx: Context, args: Args) -> Json:
    user = ctx.user(args.text("user") or seed.BOT_USER)
    profile: Json = user_json(user, email=_reads_email(ctx))["profile"]
    # as Slack: null for somebody who filled in none
    fields = {name: {"value": value, "alt": ""} for name, value in user.fields.items()}
    return {"profile": profile | {"fields": fields or None}}


def team_profile(ctx: Context, args: Args) -> Json:
    if args.text("visibility") not in ("", "all", "visible", "hidden"):
        raise SlackError("invalid_visibility")
    shared = {"hint": "", "possible_values": None, "options": None, "is_hidden": False}
    fields = [
        {"id": field, "ordering": number, "label": label, "type": kind, **shared}
        for number, (field, (label, kind)) in enumerate(ctx.workspace.profile_fields.items())
    ]
    return {"profile": {"fields": fields, "sections": []}}


def usergroups_list(ctx: Context, args: Args) -> Json:
    groups = ctx.workspace.groups.values()
    return {"usergroups": [group_json(group, users=args.flag("include_users")) for group in groups]}


def usergroups_users(ctx: Context, args: Args) -> Json:
    group = ctx.workspace.groups.get(args.need("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


METHODS: dict[str, Method] = {
    "auth.test": Method(auth_test, per_minute=600),
    "api.test": Method(api_test, per_minute=100),
    "bots.info": Method(bots_info, ("users:read",)),
    "conversations.list": Method(conversations_list, per_minute=20),
    "conversations.info": Method(conversations_info),
    "conversations.members": Method(conversations_members, per_minute=100),
    "conversations.history": Method(conversations_history),
    "conversations.replies": Method(conversations_replies),
    "conversations.open": Method(conversations_open, ("im:write",)),
    "conversations.join": Method(conversations_join, ("channels:join",)),
    "users.list": Method(users_list, ("users:read",), per_minute=20),
    "users.info": Method(users_info, ("users:read",), per_minute=100),
    "users.lookupByEmail": Method(users_by_email, ("users:read.email",)),
    "users.profile.get": Method(users_profile, ("users.profile:read",), per_minute=100),
    "team.profile.get": Method(team_profile, ("users.profile:read",), per_minute=50),
    "usergroups.list": Method(usergroups_list, ("usergroups:read",), per_minute=20),
    "usergroups.users.list": Method(usergroups_users, ("usergroups:read",), per_minute=20),
}
