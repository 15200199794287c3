"""Who acts for whom: `/approvals delegate`, App Home's lines, and the direct messages about it (DE7)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from app.core.effects import PersonalNotice
from app.core.office import Delegation
from blocks.kit import Json, button, context, header, line, literal, moment, plain, rich
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import counted, escape, one_line, utc

SHOWN = 15
HOW = "/approvals delegate @somebody until 2026-12-01 · or: from tomorrow until friday 17:00 · or: until 8h"


def delegations_message(
    user: str, known: Sequence[Delegation], around: Surroundings, *, note: str = ""
) -> SlackMessage:
    """Those that concern `user`, each with the button that ends it; `note` says what just happened."""
    blocks: list[Json] = [header("Delegations")]
    if note:
        blocks.append(rich(line(literal(one_line(note, 500)))))
    if not known:
        blocks.append(context(plain("Nobody acts for you, and you act for nobody.")))
    for delegation in known[:SHOWN]:
        until = [literal(" until "), moment(delegation.until)]
        since = [] if delegation.begun else [literal(" from "), moment(delegation.since)]
        blocks.append(rich(line(literal(_who(user, delegation, around)), *since, *until)))
        end = button("End", "cs:delegation_end", json.dumps({"d": delegation.id}))
        blocks.append({"type": "actions", "elements": [end]})
    blocks.append(context(plain(HOW)))
    return slack_message(escape(note or counted(len(known), "delegation")), blocks)


def delegation_sentence(user: str, delegation: Delegation, around: Surroundings) -> str:
    """For App Home, in words."""
    since = "" if delegation.begun else f" from {utc(delegation.since)}"
    return f"{_who(user, delegation, around)}{since} until {utc(delegation.until)}."


def personal_notice(effect: PersonalNotice, around: Surroundings) -> SlackMessage:
    data = effect.data
    of, to = around.name(str(data.get("of", ""))), around.name(str(data.get("to", "")))
    roles = _roles([str(role) for role in data.get("roles", ())], around)
    until = datetime.fromisoformat(str(data["until"]))
    since = datetime.fromisoformat(str(data["since"]))
    if effect.kind == "delegated":
        said = [literal(f"You act for {of} as {roles} from "), moment(since), literal(" until "), moment(until)]
        text = f"You act for {of} as {roles} from {utc(since)} until {utc(until)}."
        queues = dict.fromkeys(around.role_channels.get(str(role), "") for role in data.get("roles", ()))
        where = " and ".join(f"#{one_line(queue, 80)}" for queue in queues if queue)
        hint = (
            f"{f'Their cases are in {where}: join to see them. ' if where else ''}/approvals mine shows what waits. "
            "Every decision says for whom it was made; /approvals delegate ends it."
        )
    else:
        text = f"{to} does not act for {of} any more."
        said = [literal(text)]
        hint = "/approvals delegate shows what still holds."
    return slack_message(escape(text), [rich(line(*said)), context(plain(hint))])


def _who(user: str, delegation: Delegation, around: Surroundings) -> str:
    roles = _roles(delegation.roles, around)
    if around.people.find(user).keys & around.people.find(delegation.user).keys:
        return f"{around.name(delegation.to)} acts for you as {roles}"
    if around.people.find(user).keys & around.people.find(delegation.to).keys:
        return f"You act for {around.name(delegation.user)} as {roles}"
    return f"{around.name(delegation.to)} acts for {around.name(delegation.user)} as {roles}"


def _roles(roles: Sequence[str], around: Surroundings) -> str:
    return ", ".join(around.role(role) for role in roles[:6])
