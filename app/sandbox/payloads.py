"""Interaction payloads, as complete as Slack's."""

import html
import re
from typing import Any

from . import seed
from .model import Channel, Json, Message, User, View
from .render import message_json, view_json
from .state import State, merged, option_of, value_keys
from .workspace import Workspace

TOKEN = "sandbox-verification-token"  # noqa: S105
_TYPED = re.compile(r"(?<![\w.&;])([@#])([a-z0-9][a-z0-9._-]*)")


def team() -> Json:
    return {"id": seed.TEAM_ID, "domain": seed.TEAM_DOMAIN}


def person(user: User) -> Json:
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": seed.TEAM_ID}


def place(channel: Channel) -> Json:
    """The channel as payloads name it: DMs and private channels have no name there."""
    names = {"im": "directmessage", "private_channel": "privategroup"}
    return {"id": channel.id, "name": names.get(channel.kind, channel.name)}


def envelope(kind: str, user: User, trigger_id: str | None = None) -> Json:
    """What every interactive payload carries."""
    out: Json = {
        "type": kind,
        "user": person(user),
        "api_app_id": seed.APP_ID,
        "token": TOKEN,
        "team": team(),
        "enterprise": None,
        "is_enterprise_install": False,
    }
    return out | ({"trigger_id": trigger_id} if trigger_id else {})


def action_of(element: Json, block: Json, given: Json, ts: str) -> Json:
    """The `actions[0]` entry of touching this element; ValueError when a person could not have done so."""
    kind = element["type"]
    out: Json = {"type": kind, "action_id": element["action_id"], "block_id": block["block_id"]}
    out["action_ts"] = ts
    if kind == "button":
        out["text"] = element["text"]
        return out | {key: element[key] for key in ("value", "style") if key in element}
    key, initial = value_keys(kind)
    if kind == "overflow":
        key = "selected_option"
    if initial in element:
        out[initial] = element[initial]
    if "placeholder" in element:
        out["placeholder"] = element["placeholder"]
    out[key] = _chosen(element, key, given)
    return out


def _chosen(element: Json, key: str, given: Json) -> Any:
    value = given.get(key, given.get("value") if key != "selected_options" else None)
    if "options" not in element and "option_groups" not in element:
        return value
    if key == "selected_options":
        return [_known(element, one) for one in value or []]
    return None if value is None else _known(element, value)


def _known(element: Json, wanted: Any) -> Json:
    value = wanted.get("value") if isinstance(wanted, dict) else wanted
    option = option_of(element, str(value))
    if option is None:
        raise ValueError(f"There is no option {value!r} in {element['action_id']}.")
    return {key: one for key, one in option.items() if key != "url"}


def message_container(message: Message) -> Json:
    out: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    return out | ({"thread_ts": message.thread_ts} if message.thread_ts else {})


def message_surface(message: Message, blocks: list[Json], ws: Workspace, response_url: str) -> Json:
    """The part of block_actions that says where in which message; a private message is not quoted."""
    out: Json = {
        "container": message_container(message),
        "channel": place(ws.channels[message.channel]),
        "state": {"values": merged(blocks, message.state)},
        "response_url": response_url,
    }
    if message.ephemeral_to is None:
        out["message"] = {**message_json(message, ws), "blocks": blocks}
    return out


def view_surface(view: View) -> Json:
    return {"container": {"type": "view", "view_id": view.id}, "view": view_json(view)}


def submission(view: View, state: State) -> Json:
    return {"view": {**view_json(view), "state": {"values": state}}}


def as_typed(text: str, workspace: Workspace) -> str:
    """What a person's typing becomes: entities for `& < >`, live mentions for @names and #channels."""

    def live(match: re.Match[str]) -> str:
        sign, name = match.groups()
        if sign == "#":
            found = [c for c in workspace.channels.values() if c.name == name and not c.is_im]
            return f"<#{found[0].id}|{name}>" if found else match.group(0)
        if name in ("channel", "here", "everyone"):
            return f"<!{name}>"
        users = [u for u in workspace.users.values() if u.name == name]
        if users:
            return f"<@{users[0].id}>"
        groups = workspace.group_handles()
        return f"<!subteam^{groups[name]}|@{name}>" if name in groups else match.group(0)

    return _TYPED.sub(live, html.escape(text, quote=False))


_PART = re.compile(r"<(@[UW][A-Z0-9_]+|!subteam\^S[A-Z0-9_]+|!channel|!here|!everyone|#[CG][A-Z0-9_]+)[^>]*>")


def rich_text_of(text: str) -> list[Json]:
    """The rich_text block Slack's composer makes of what was typed."""
    elements: list[Json] = []
    at = 0
    for match in _PART.finditer(text):
        if match.start() > at:
            elements.append({"type": "text", "text": html.unescape(text[at : match.start()])})
        name = match.group(1)
        if name.startswith("@"):
            elements.append({"type": "user", "user_id": name[1:]})
        elif name.startswith("#"):
            elements.append({"type": "channel", "channel_id": name[1:]})
        elif name.startswith("!subteam"):
            elements.append({"type": "usergroup", "usergroup_id": name.removeprefix("!subteam^")})
        else:
            elements.append({"type": "broadcast", "range": name[1:]})
        at = match.end()
    if at < len(text):
        elements.append({"type": "text", "text": html.unescape(text[at:])})
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}]
