"""What was said about the whole workspace: each thing once to each, and every board shows the truth in the end."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime

from app.core.effects import DECISION_EVENTS, BoardUpdate, ChannelNotice, DigestShow
from app.core.office import Office
from app.office_courier import OfficeCourier
from db.log import LoggedEvent
from db.outbox import Delivery
from tests.sim.book import Violation
from tests.sim.directory import human
from tests.sim.lending import LOOKED_UP, Lending
from tests.sim.replica import Replica
from tests.sim.world import World, buttons_of

SIGN = "cs:policy_sign"
ALARMS = {"alarm": True, "alarm_over": False}


def judge_office(replica: Replica, world: World, lending: Lending) -> None:
    """Raises Violation with the first thing that is not as it must be."""
    with replica.store.reading() as reader:
        office = reader.office()
        events = list(reader.all_events())
        sent = [d for d in reader.deliveries(limit=100_000) if not d.case_id]
    _told_once(world, sent)
    _alarms(sent)
    _boards(replica, world, office)
    _deputies_were_told(world, lending)
    _said_for_whom(events, lending)


def _told_once(world: World, sent: list[Delivery]) -> None:
    """More than once is judged with everything that Slack shows."""
    shown = {message.marker for message in world.messages.values()}
    for delivery in sent:
        if isinstance(delivery.effect, BoardUpdate | DigestShow) or delivery.id in shown:  # judged by what they show
            continue
        kind = type(delivery.effect).__name__
        if not world.losses.archived or delivery.status != "dead":
            raise Violation(f"Delivery {delivery.id} ({kind}) is {delivery.status}, and Slack never showed it.")


def _alarms(sent: list[Delivery]) -> None:
    """Each is told when it begins and when it is over, in turn."""
    standing: dict[tuple[str, object, object], bool] = {}
    for delivery in sorted(sent, key=lambda d: d.number):
        effect = delivery.effect
        if isinstance(effect, ChannelNotice) and effect.kind in ALARMS:
            key = effect.channel, effect.data["alarm"], effect.data["where"]
            if standing.get(key, False) is ALARMS[effect.kind]:
                raise Violation(f"#{key[0]} was told twice in a row of {key[1]} {key[2]}: {effect.kind}.")
            standing[key] = ALARMS[effect.kind]


def _boards(replica: Replica, world: World, office: Office) -> None:
    courier = OfficeCourier(replica.engine, replica.ports.slack)
    replica.engine.follow()
    waits = office.candidate.snapshot if office.candidate else ""
    for board in office.boards:
        message = world.messages.get((board.channel_id, board.ts or ""))
        if message is None:
            raise Violation(f"The policy change {board.key} never came to #{board.channel}.")
        wanted = courier.board_message(board, office)
        same = json.dumps(message.blocks) == json.dumps(wanted.blocks) and message.text == wanted.text
        if board.ended and not same:  # until then it mentions who could sign, and people come and go
            raise Violation(f"The policy change {board.key} still shows something else than it is.")
        signed = any(button.action_id == SIGN for button in buttons_of(message))
        if signed is not (not board.ended and board.candidate.snapshot == waits):
            raise Violation(f"The policy change {board.key} can be signed in Slack: {signed}.")


def _deputies_were_told(world: World, lending: Lending) -> None:
    """Each notice once: that one stands in for somebody, that it begins now, and to both that it is over."""
    expected = sum((Counter(lent.notices) for lent in lending.all), Counter[str]())
    direct = (m for m in world.messages.values() if m.channel.startswith("D") and m.marker.startswith("office-"))
    got = Counter(message.channel.removeprefix("D") for message in direct)
    for user in expected | got:
        if expected[user] != got[user]:
            raise Violation(f"{user} was told {got[user]} times of delegations, not {expected[user]} times.")


def _said_for_whom(events: list[LoggedEvent], lending: Lending) -> None:
    """Every decision in somebody's place says in whose (DE7)."""
    for event in events:
        role = str(event.content.data.get("role", LOOKED_UP))
        if event.type not in DECISION_EVENTS or role == LOOKED_UP:
            continue
        user, at = event.actor.removeprefix("slack:"), datetime.fromisoformat(event.at)
        known = [lending.acting(people, user, at) for people in lending.directory.at(at)]
        if any(role in acting.own for acting in known):
            continue
        absent = human(str(event.content.data.get("instead_of", "")))
        if not any((role, absent) in acting.lent for acting in known):
            raise Violation(f"{event.type} by {user} as {role} says for {absent or 'nobody'}, which is not so.")
