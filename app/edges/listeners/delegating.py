"""`/approvals delegate`: let somebody act in one's place for a while, see who does, end it (DE7)."""

from __future__ import annotations

import re

import msgspec

from app.core.errors import Refused
from app.core.office import Delegate, Delegation, EndDelegation
from app.edges.listeners.shared import Desk, Payload, Target, place_of, user_of
from app.edges.whenwords import read_when, zone_of
from blocks.delegations import HOW, delegations_message
from blocks.surface import SlackMessage

_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
NOT_READ = f"I could not read that. Try {HOW}."


class DelegationDesk:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def message(self, user: str, words: list[str]) -> SlackMessage:
        """`@user [from WHEN] until WHEN`; nothing: what holds."""
        note = self._delegate(user, words) if words else ""
        return delegations_message(user, self.of(user), self.desk.surroundings(), note=note)

    def of(self, user: str) -> list[Delegation]:
        """That concern this person, theirs first."""
        people = self.desk.engine.people()
        keys = people.find(user).keys
        with self.desk.engine.store.reading() as reader:
            known = reader.office().delegations
        mine = [d for d in known if keys & (people.find(d.user).keys | people.find(d.to).keys)]
        return sorted(mine, key=lambda d: (not people.find(d.user).keys & keys, d.until))

    def _delegate(self, user: str, words: list[str]) -> str:
        named = _USER.fullmatch(words[0])
        if named is None:
            return f"Name a person with @. {NOT_READ}"
        rest = [word.casefold() for word in words[1:]]
        if "until" not in rest:
            return f"Say until when. {NOT_READ}"
        cut = rest.index("until")
        first = rest[1:cut] if rest[:1] == ["from"] else rest[:cut]
        now = self.desk.engine.clock.now()
        self.desk.get_to_know(user)
        self.desk.get_to_know(named[1])
        zone = zone_of(self.desk.engine.people().find(user).zone)
        until = read_when(rest[cut + 1 :], now, zone, ends=True)
        since = read_when(first, now, zone, ends=False) if first else None
        if until is None or (first and since is None):
            return NOT_READ
        try:
            self.desk.engine.delegate(Delegate(user=user, to=named[1], since=since, until=until))
        except Refused as refusal:
            return refusal.sentence
        name = self.desk.surroundings().name(named[1])
        return f"Recorded. {name} is told, and every decision in your place says so."

    def end(self, body: Payload, action: Payload) -> None:
        user, where = user_of(body), Target(case_id="", **place_of(body))
        try:
            known = msgspec.json.decode(str(action.get("value") or ""), type=dict[str, str]).get("d", "")
            self.desk.engine.delegate(EndDelegation(user=user, delegation=known[:20]))
        except msgspec.DecodeError:
            self.desk.whisper(user, where, "This button is not one that Countersign knows any more.")
        except Refused as refusal:
            self.desk.whisper(user, where, refusal.sentence)
        else:
            self.desk.whisper(user, where, "Ended. Both of you are told.")
