"""What is said about the whole workspace: in a channel, or to one person. `ANNOUNCEMENTS` has a line for every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.core.effects import ChannelNotice, PersonalNotice
from blocks.delegations import personal_notice
from blocks.kit import Json, bold, context, line, literal, moment, plain, rich
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import counted, escape, one_line, prose

AnyNotice = ChannelNotice | PersonalNotice


def announcement(effect: AnyNotice, around: Surroundings) -> SlackMessage:
    return ANNOUNCEMENTS[effect.kind](effect, around)


def _said(title: str, rest: str, hint: str, data: Mapping[str, Any]) -> SlackMessage:
    """`data["at"]` is when it happened: a message may come late."""
    when = [literal(" · "), moment(datetime.fromisoformat(str(data["at"])))]
    blocks: list[Json] = [rich(line(bold(title), *when)), rich(line(literal(rest)))]
    if hint:
        blocks.append(context(plain(hint)))
    return slack_message(f"{escape(title)}. {prose(f'{rest} {hint}', 1_500)}", blocks)


# --- the switch for AI text --------------------------------------------------------------------------------------


def _paused(effect: AnyNotice, around: Surroundings) -> SlackMessage:
    data = effect.data
    by, reason = around.name(str(data["by"])), _reason(data)
    again = f"People's own replies go on. To resume: {_command(data)}"
    if data["second"]:
        again += f"; it takes two people, each of {_roles(data, around)}"
    return _said(f"⏸ AI text is paused {_where(data)}", f"{by} paused it: {reason}", f"{again}.", data)


def _resume_asked(effect: AnyNotice, around: Surroundings) -> SlackMessage:
    data = effect.data
    by, reason = around.name(str(data["by"])), _reason(data)
    rest = f"{by} asks to let AI text go on {_where(data)}. It was paused because: {reason}"
    hint = f"Until then it stays paused. Somebody else of {_roles(data, around)} says {_command(data)}."
    return _said("⏸ Resuming AI text waits for a second person", rest, hint, data)


def _resumed(effect: AnyNotice, around: Surroundings) -> SlackMessage:
    data = effect.data
    by = around.name(str(data["by"]))
    if data["first"]:
        by = f"{around.name(str(data['first']))} and {by}"
    rest = f"{by} resumed it. It was paused because: {_reason(data)}"
    hint = "What was held back waits for people's approval again."
    return _said(f"▶ AI text goes on {_where(data)}", rest, hint, data)


def _reason(data: Mapping[str, Any]) -> str:
    return one_line(str(data["reason"]), 1_500) or "no reason given"


def _where(data: Mapping[str, Any]) -> str:
    queue = one_line(str(data["queue"]), 80)
    return f"in #{queue}" if queue else "in all queues"


def _command(data: Mapping[str, Any]) -> str:
    queue = one_line(str(data["queue"]), 80)
    return f"/approvals resume #{queue}" if queue else "/approvals resume"


def _roles(data: Mapping[str, Any], around: Surroundings) -> str:
    titles = [around.role(str(role)) for role in data["second"]]
    return f"{', '.join(titles[:-1])} or {titles[-1]}" if len(titles) > 1 else "".join(titles)


# --- alarms ------------------------------------------------------------------------------------------------------

# alarm → title, what is wrong ({count} of them), what to do, and what is said when it is over
ALARMS: Mapping[str, tuple[str, tuple[str, str], str, str]] = {
    "queue_full": (
        "The queue #{where} is long",
        ("{count} case waits there.", "{count} cases wait there."),
        "/approvals #{where} shows the next ones, highest risk first.",
        "The queue #{where} is no longer too long.",
    ),
    "timers_missing": (
        "Cases without a timer",
        ("{count} case waits with no timer", "{count} cases wait with no timer"),
        "Nothing will remind anybody or escalate: decide by hand, /approvals case ID shows one. It is always a fault.",
        "Every case that waits has its timers again.",
    ),
    "timers_overdue": (
        "Timers fire late",
        ("{count} timer is overdue", "{count} timers are overdue"),
        "Reminders, escalations and replies in their send delay wait. See whether countersign serve runs, and its log.",
        "Timers fire in time again.",
    ),
    "cases_stuck": (
        "Cases that nothing moves",
        ("{count} case is under way with no delivery", "{count} cases are under way with no delivery"),
        "No reply leaves and nobody is asked: answer these tickets by hand. It is always a fault.",
        "No case is stuck any more.",
    ),
    "dead_letters": (
        "Deliveries to {where} gave up",
        ("{count} delivery was not accepted", "{count} deliveries were not accepted"),
        "countersign deliveries list says why. Mend the cause, then countersign deliveries redrive ID.",
        "Nothing to {where} is given up any more.",
    ),
}


def _alarm(effect: AnyNotice, _around: Surroundings) -> SlackMessage:
    data = effect.data
    count, ids = int(data["count"]), [one_line(str(case), 40) for case in data["cases"]]
    title, (one, many), hint, _ = ALARMS[str(data["alarm"])]
    wrong = (one if count == 1 else many).format(count=f"{count:,}")
    if ids:
        more = f" and {counted(count - len(ids), 'other')}" if count > len(ids) else ""
        wrong = f"{wrong}: {', '.join(ids)}{more}"
    where = one_line(str(data["where"]), 80)
    return _said(f"⚠ {title.format(where=where)}", f"{wrong.rstrip('.')}.", hint.format(where=where), data)


def _alarm_over(effect: AnyNotice, _around: Surroundings) -> SlackMessage:
    data = effect.data
    over = ALARMS[str(data["alarm"])][3].format(where=one_line(str(data["where"]), 80))
    return _said("✔ Over", over, "", data)


ANNOUNCEMENTS: Mapping[str, Callable[[Any, Surroundings], SlackMessage]] = {
    "paused": _paused,
    "resume_asked": _resume_asked,
    "resumed": _resumed,
    "alarm": _alarm,
    "alarm_over": _alarm_over,
    "delegated": personal_notice,
    "delegation_over": personal_notice,
}
