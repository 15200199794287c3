"""Events: replies in a packet's thread become reviewer notes; App Home shows what waits for its viewer."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import msgspec

from app.core.effects import Click
from app.core.errors import Refused
from app.core.messages import AddNote
from app.edges.listeners.home import Home
from app.edges.listeners.shared import Desk, NotStored

AGAIN_AFTER = 2.0  # seconds
YOUNG = 10.0  # seconds between a message and an answer to it


class Note(msgspec.Struct, frozen=True):
    """A reply that somebody wrote in a thread."""

    channel: str
    thread: str
    user: str
    text: str
    ts: str


class Events:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def message(self, event: dict[str, Any]) -> None:
        """Only what a person writes in a thread; bots' words, edits and joins are none of ours."""
        thread, user, text = event.get("thread_ts"), event.get("user"), event.get("text")
        if not (thread and user and text) or event.get("subtype") or event.get("bot_id") or thread == event.get("ts"):
            return
        note = Note(
            channel=str(event.get("channel") or ""),
            thread=str(thread),
            user=str(user),
            text=str(text),
            ts=str(event.get("ts") or ""),
        )
        if not self._keep(note) and _just_posted(note):
            # whose message it answers may be stored a moment after Slack showed it
            self.desk.later(lambda: self._keep_later(note))

    def _keep(self, note: Note) -> bool:
        """False where the thread is not known as a case's."""
        with self.desk.engine.store.reading() as reader:
            case_id = reader.case_by_packet(note.channel, note.thread)
        if case_id is None:
            return False
        click = Click(channel=note.channel, ts=note.ts)
        with suppress(Refused, NotStored):
            self.desk.do(AddNote(case_id=case_id, user=note.user, text=note.text, click=click))
        return True

    def _keep_later(self, note: Note) -> None:
        time.sleep(AGAIN_AFTER)
        self._keep(note)

    def home(self, event: dict[str, Any]) -> None:
        user = str(event.get("user") or "")
        if event.get("tab", "home") != "home" or not user:
            return
        Home(self.desk).show(user)


def _just_posted(note: Note) -> bool:
    try:
        return float(note.ts) - float(note.thread) < YOUNG
    except ValueError:
        return False
