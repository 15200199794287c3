"""/approvals: what waits where, without leaving Slack."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack

from app.edges.listeners.policy import PolicyDesk
from app.edges.listeners.shared import Desk, by_risk, user_of
from blocks.queue import QueueRow, case_message, help_message, mine_message, queue_detail, queue_message
from blocks.surface import SlackMessage

NEXT = 10


class Commands:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        message = self._answer(user_of(body), str(body.get("text") or "").split())
        ack(text=message.text, blocks=message.blocks, response_type="ephemeral")

    def _answer(self, user: str, words: list[str]) -> SlackMessage:
        match words:
            case []:
                return queue_message(self._rows(), self._next(), self.desk.surroundings())
            case ["policy"]:
                return PolicyDesk(self.desk).message()
            case ["help"]:
                return help_message()
            case ["mine"]:
                return mine_message(self.desk.waiting_for(user), self.desk.surroundings())
            case ["case", case_id]:
                case = self.desk.case(case_id)
                if case is None:
                    return help_message(f"There is no case {case_id[:40]}.")
                return case_message(case, self.desk.around(case))
            case [name] if (channel := channel_name(name)) in self.desk.queues():
                row = next((r for r in self._rows() if r.channel == channel), QueueRow(channel=channel, pending=0))
                with self.desk.engine.store.reading() as reader:
                    return queue_detail(row, reader.next_in_queue(channel, NEXT + 1), self.desk.surroundings())
            case _:
                return help_message(f"/approvals does not know “{' '.join(words)[:80]}”.")

    def _rows(self) -> list[QueueRow]:
        now = self.desk.engine.clock.now()
        with self.desk.engine.store.reading() as reader:
            counts = reader.queue_counts(now)
        return [
            QueueRow(
                channel=name,
                pending=count.pending,
                overdue=count.overdue,
                oldest=(now - count.oldest_at).total_seconds() if count.oldest_at else 0.0,
            )
            for name in self.desk.queues()
            if (count := counts.get(name))
        ]

    def _next(self) -> list[Any]:
        """Over all queues: highest risk first, then the oldest."""
        with self.desk.engine.store.reading() as reader:
            found = {c.id: c for name in self.desk.queues() for c in reader.next_in_queue(name, NEXT)}
        return sorted(found.values(), key=by_risk)[:NEXT]


def channel_name(word: str) -> str:
    """`#support-review`, `support-review`, or `<#C123|support-review>` as Slack sends it when it escapes."""
    if word.startswith("<#") and word.endswith(">"):
        return word[2:-1].partition("|")[2]
    return word.removeprefix("#")
