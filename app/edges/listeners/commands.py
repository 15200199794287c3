"""/approvals: what waits where, without leaving Slack."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack

from app.core.errors import Refused
from app.core.offering import offered
from app.core.office import PauseAi, ResumeAi
from app.core.world import World
from app.edges.listeners.delegating import DelegationDesk
from app.edges.listeners.policy import PolicyDesk
from app.edges.listeners.queues import NEXT, next_cases, queue_rows, team_figures, waiting
from app.edges.listeners.shared import Desk, Target, user_of
from app.edges.listeners.stuck import StuckDesk
from app.edges.listeners.submissions import Submissions
from app.edges.metrics import SlashOutcome
from blocks.card import case_card
from blocks.figures import stats_message
from blocks.queue import (
    HELP,
    QueueRow,
    help_message,
    mine_message,
    notice_message,
    queue_detail,
    queue_message,
)
from blocks.surface import SlackMessage

WORDS = frozenset(command.split()[1] for command, _ in HELP if " " in command)


class Commands:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        user, words = user_of(body), str(body.get("text") or "").split()
        if words == ["new"]:
            place = {"channel": str(body.get("channel_id") or ""), "response_url": str(body.get("response_url") or "")}
            Submissions(self.desk).open(body, Target(case_id="", **place))
            self.desk.metrics.slash_command("new", "answered")
            ack()
            return
        outcome: SlashOutcome = "failed"
        try:
            self._check_member(user)
            message, outcome = self._answer(user, words), "answered"
        except Refused as refusal:
            message, outcome = notice_message(refusal.sentence), "refused"
        finally:
            self.desk.metrics.slash_command(self._known(words), outcome)
        ack(text=message.text, blocks=message.blocks, response_type="ephemeral")

    def _check_member(self, user: str) -> None:
        """Cases hold customers' words, and these answers come in any channel: not for guests (OP7)."""
        self.desk.get_to_know(user)
        people = self.desk.engine.people()
        if user not in people.persons:
            raise Refused("not_known", "Slack has not told Countersign who you are yet; try again in a moment.")
        if not people.find(user).may_decide:
            raise Refused("not_allowed", "Cases are for full members of this workspace; guests cannot see them here.")

    def _answer(self, user: str, words: list[str]) -> SlackMessage:
        match words:
            case []:
                rows, around = queue_rows(self.desk), self.desk.surroundings()
                return queue_message(rows, next_cases(self.desk), around, waiting=waiting(self.desk))
            case ["pause" | "resume" as what, *rest]:
                return self._switch(user, what, rest)
            case ["stats"]:
                return stats_message(*team_figures(self.desk))
            case ["failed"]:
                return StuckDesk(self.desk).message(user)
            case ["delegate", *rest]:
                return DelegationDesk(self.desk).message(user, rest)
            case ["policy"]:
                return PolicyDesk(self.desk).message()
            case ["help"]:
                return help_message()
            case ["mine"]:
                return mine_message(self.desk.waiting_for(user), self.desk.surroundings())
            case ["case", case_id]:
                return self._case(user, case_id)
            case [name] if (channel := channel_name(name)) in self.desk.queues():
                row = next(
                    (r for r in queue_rows(self.desk) if r.channel == channel), QueueRow(channel=channel, pending=0)
                )
                with self.desk.engine.store.reading() as reader:
                    return queue_detail(row, reader.next_in_queue(channel, NEXT + 1), self.desk.surroundings())
            case _:
                return help_message(f"/approvals does not know “{' '.join(words)[:80]}”.")

    def _known(self, words: list[str]) -> str:
        """What was asked for, as one of the words that `help` names; a queue's name is `#queue`."""
        if not words:
            return "queues"
        named = "#queue" if channel_name(words[0]) in self.desk.queues() else words[0]
        return named if named in WORDS else "unknown"

    def _case(self, user: str, case_id: str) -> SlackMessage:
        case = self.desk.case(case_id)
        if case is None:
            raise Refused("no_case", f"There is no case {case_id[:40]}.")
        engine = self.desk.engine
        with engine.store.reading() as reader:
            standing = reader.open_case_for_ticket(case.ticket.id)
        world = World(
            now=engine.clock.now(),
            policy=engine.policy_of(case.policy_snapshot),
            active=engine.policy,
            people=engine.people(),
            pauses=engine.pauses(),
            standing=standing.id if standing else "",
        )
        return case_card(case, self.desk.around(case), offered(case, user, world))

    def _switch(self, user: str, what: str, words: list[str]) -> SlackMessage:
        """`pause [queue] reason`, `resume [queue]`; without a queue it means all of them."""
        named = channel_name(words[0]) if words else ""
        queue = named if words and (words[0][:1] in "#<" or named in self.desk.queues()) else ""
        reason = " ".join(words[1:] if queue else words)
        command = (
            PauseAi(user=user, queue=queue, reason=reason) if what == "pause" else ResumeAi(user=user, queue=queue)
        )
        office = self.desk.engine.switch(command)
        where = f"in #{queue}" if queue else "in all queues"
        if queue not in office.paused_queues:
            return notice_message(f"AI text goes on {where}. What was held back waits for people's approval again.")
        if what == "resume":
            return notice_message(f"Recorded. A second person has to resume AI text {where}.")
        return notice_message(f"AI text is paused {where}. People's own replies go on; /approvals resume ends it.")


def channel_name(word: str) -> str:
    """`#support-review`, `support-review`, or `<#C123|support-review>` as Slack sends it when it escapes."""
    if word.startswith("<#") and word.endswith(">"):
        return word[2:-1].partition("|")[2]
    return word.removeprefix("#")
