"""Events: replies in a packet's thread become reviewer notes; App Home shows what waits for its viewer."""

from __future__ import annotations

from typing import Any

from app.core.effects import Click
from app.core.errors import Refused
from app.core.messages import AddNote
from app.edges.listeners.delegating import DelegationDesk
from app.edges.listeners.shared import Desk, NotStored
from blocks.delegations import delegation_sentence
from blocks.home import home_view

MOST_SHOWN = 20


class Events:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def message(self, event: dict[str, Any]) -> None:
        """Only what a person writes in a thread; bots' words, edits and joins are none of ours."""
        thread, user, text = event.get("thread_ts"), event.get("user"), event.get("text")
        if not (thread and user and text) or event.get("subtype") or event.get("bot_id") or thread == event.get("ts"):
            return
        channel = str(event.get("channel") or "")
        with self.desk.engine.store.reading() as reader:
            case_id = reader.case_by_packet(channel, str(thread))
        if case_id is None:
            return
        click = Click(channel=channel, ts=str(event.get("ts") or ""))
        try:
            self.desk.do(AddNote(case_id=case_id, user=str(user), text=str(text), click=click))
        except (Refused, NotStored):
            return

    def home(self, event: dict[str, Any]) -> None:
        user = str(event.get("user") or "")
        if event.get("tab", "home") != "home" or not user:
            return
        self.desk.later(lambda: self._publish(user))

    def _publish(self, user: str) -> None:
        around = self.desk.surroundings()
        acting = [delegation_sentence(user, d, around) for d in DelegationDesk(self.desk).of(user)]
        view = home_view(user, self.desk.waiting_for(user)[:MOST_SHOWN], around, delegations=acting)
        self.desk.slack.publish_home(user, view)
