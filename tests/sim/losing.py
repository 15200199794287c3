"""What Slack loses: messages that somebody deletes, channels that somebody archives; and what it shows, read back."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from app.ports.errors import GiveUp
from app.ports.slack_reading import CASE_EVENT, DIGEST, OURS, PAGE, Stretch
from app.ports.slack_reading import Shown as Read

if TYPE_CHECKING:
    from tests.sim.world import Shown, World

MOST_ARCHIVED = 2
# Those of the busy queues, and where cases go that have no channel left.
MAY_GO = ("CSUPPORTREVIEW", "CBILLINGAPPROVALS", "CSPECIALISTREVIEW", "CCOMPLIANCEAPPROVALS", "CSUPPORTESCALATIONS")


class Losses:
    def __init__(self, world: World) -> None:
        self.world = world
        self.is_open: Callable[[str], bool] = lambda _: False
        self.archived: list[str] = []
        self.older: list[Shown] = []  # what stood there before an update

    def check(self, channel: str, ts: str = "") -> None:
        """Raises what Slack answers where nothing can be posted, or not in the thread of `ts`."""
        if channel in self.archived:
            raise GiveUp("Slack refuses with is_archived", "Use another channel", code="is_archived")
        if ts and (channel, ts) not in self.world.messages:
            raise GiveUp("Slack refuses with thread_not_found", "Nothing to do", code="thread_not_found")

    def happen(self, random: Random) -> str:
        """One thing is lost; says what."""
        packets = [m for m in self.world.messages.values() if m.channel not in self.archived and self._matters(m)][-12:]
        draw = random.random()
        left = [c for c in MAY_GO if c not in self.archived]
        if draw < 0.12 and len(self.archived) < MOST_ARCHIVED:
            channel = random.choice(left)
            self.archived.append(channel)
            return f"somebody archives {channel}"
        if draw < 0.35 and self.older:
            old = random.choice(self.older[-12:])
            if (old.channel, old.ts) in self.world.messages and self._matters(old):
                self.world.messages[old.channel, old.ts] = old
                return f"Slack shows {old.channel} {old.ts} as it once was"
        if packets:
            gone = random.choice(packets)
            del self.world.messages[gone.channel, gone.ts]
            return f"somebody deletes {gone.ts} in {gone.channel}"
        return "nothing is there to be lost"

    def _matters(self, message: Shown) -> bool:
        """People still decide on it. What became of a case may be deleted for good."""
        case_id = str(message.metadata.get("event_payload", {}).get("case_id", ""))
        return message.metadata.get("event_type") == CASE_EVENT and self.is_open(case_id)


class Reader:
    """`app.ports.slack_reading.SlackReader`, of what the simulated Slack shows."""

    def __init__(self, world: World) -> None:
        self.world = world

    def trouble(self, channel_id: str) -> str:
        self.world.look("slack")
        return "is_archived" if channel_id in self.world.losses.archived else ""

    def stretch(self, channel_id: str, oldest: str, latest: str) -> Stretch:
        self.world.look("slack")
        here = [m for m in self.world.messages.values() if m.channel == channel_id and not m.thread_ts]
        asked = [m for m in here if float(oldest) <= float(m.ts) < float(latest)]
        page = sorted(asked, key=lambda m: float(m.ts))[-PAGE:]
        more = len(page) < len(asked)
        return Stretch(messages=tuple(map(_read, page)), since=page[0].ts if more else oldest, more=more)

    def reply(self, channel_id: str, thread_ts: str, ts: str) -> Read | None:
        self.world.look("slack")
        message = self.world.messages.get((channel_id, ts))
        return _read(message) if message and message.thread_ts == thread_ts else None


def _read(message: Shown) -> Read:
    payload = message.metadata.get("event_payload") if message.metadata.get("event_type") in OURS else None
    return Read(ts=message.ts, digest=str((payload or {}).get(DIGEST, "")))
