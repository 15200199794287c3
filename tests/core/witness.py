"""A witness of one case: what people said of which text, kept apart from what the case says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256

from app.core.assessment import Assessment, Stage
from app.core.case import Case
from app.core.effects import CrmPatch, HelpdeskReply, Outcome
from app.core.messages import (
    AnyCommand,
    Approve,
    ByPerson,
    Decline,
    Drafted,
    Edit,
    HeldAtGate,
    Reassess,
    ReceiveCase,
    Reject,
    Reopen,
    ReportActionResult,
    RoleResolved,
    SignOff,
    SubmitDraft,
    Undo,
    WriteReply,
)
from app.core.scanning import blocked, scan_reply
from app.core.world import World

BLOCKING = ("pending", "dead", "indeterminate")


def folded(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def asked(of: Assessment) -> tuple[object, ...]:
    """What people's approvals were given under: where it is another, they said yes to something else."""
    return (of.tier, of.required, of.ai_mode, of.route, of.stages, of.must_edit, of.checklist)


@dataclass
class Text:
    text: str
    by_ai: bool
    writer: str = ""  # identity of who edited or wrote it here


@dataclass(frozen=True)
class Standing:
    """Somebody's yes: it stands for these humans (themselves, and who lent them the role), in one of these roles."""

    humans: frozenset[str]
    roles: frozenset[str]


@dataclass
class Witness:
    """`identities`: Slack user id -> human being; it never changes, whatever happens to accounts and addresses."""

    received: ReceiveCase
    identities: dict[str, str]
    texts: list[Text] = field(default_factory=list)
    yes: dict[str, Standing] = field(default_factory=dict)  # who stands behind the current text, and as whom
    stand_ins: set[tuple[str, str]] = field(default_factory=set)  # (role let in, role it stands in for)
    outbox: dict[str, str] = field(default_factory=dict)  # delivery id -> status, by the outbox's own rules
    out_lane: dict[str, HelpdeskReply | None] = field(default_factory=dict)
    holdings: int = 0
    arrived: int = 0  # replies that the customer really has
    verified: bool = False
    numbers: list[int] = field(default_factory=list)
    owners: dict[str, frozenset[str]] = field(default_factory=dict)  # role that was looked up -> whom the answer named

    # --- what happened -------------------------------------------------------------------------------------------

    def saw(self, before: Case | None, command: AnyCommand, outcome: Outcome, world: World) -> None:
        """Note an accepted command and judge what it let out."""
        if isinstance(command, ReceiveCase) and command.draft:
            self.texts.append(Text(command.draft.text, command.draft.author == "ai"))
        if isinstance(command, ReportActionResult) and (action := self.received.action):
            right = not action.amount_text and action.amount is None
            if command.amount:
                right = command.amount[0].isdigit() and Decimal(command.amount) == action.amount
            self.verified |= command.status == "succeeded" and right
        if isinstance(command, Reopen):
            self.owners.clear()
        if isinstance(command, RoleResolved) and before is not None and before.resolved != outcome.case.resolved:
            assert command.role not in self.owners, "who a role is was decided twice"
            self.owners[command.role] = frozenset(u.casefold() for u in command.users)
        if before is not None:
            self._decision(before, outcome.case, command, world)
        self._escalations(outcome, world)
        for pending in outcome.effects:
            if isinstance(pending.effect, HelpdeskReply):
                self._leaves(pending.effect, before, outcome.case, world)
            if isinstance(pending.effect, CrmPatch) and pending.effect.final:
                assert pending.effect.properties["resolution_code"]
                assert pending.effect.properties["next_action"]
        self._deliveries(outcome)
        action = outcome.case.action
        claimed = bool(self.received.action and self.received.action.transaction_verified)
        assert action is None or action.transaction_verified == (self.verified or claimed)

    def _decision(self, before: Case, after: Case, command: AnyCommand, world: World) -> None:
        if isinstance(command, SubmitDraft):
            again = folded(command.draft.text) in {folded(t.text) for t in self.texts if t.by_ai} - {""}
            self.texts.append(Text(command.draft.text, again or command.draft.author == "ai"))
        if isinstance(command, Drafted) and len(after.drafts) > len(before.drafts):
            self.texts.append(Text(command.draft.text, by_ai=True))
            self.yes.clear()
        if isinstance(command, SubmitDraft | Decline | Reject | Reopen | Edit | WriteReply):
            self.yes.clear()
        if isinstance(command, Reassess) and (asked(before.assessed) != asked(after.assessed) or not after.approvals):
            self.yes.clear()
        if isinstance(command, HeldAtGate) and command.delivery == before.pending_reply and before.state == "sending":
            self.yes.clear()
        if not isinstance(command, ByPerson):
            return
        human = self.identities[command.user]
        if isinstance(command, Undo):
            del self.yes[human]
        if isinstance(command, Edit | WriteReply):
            self.texts.append(Text(command.text, by_ai=False, writer=human))
            if after.approvals:
                self.yes[human] = self._standing(command.user, after, world)
                first = before.assessed.stages[0]
                assert any(self.yes[human].roles & self._allowed(slot) for slot in slots_of(first))
        if isinstance(command, Approve | SignOff):
            assert human not in self.yes, f"{human} counts twice"
            assert self.texts[-1].writer != human, f"{human} approves their own text"
            assert command.seen == self._hash(before)
            self.yes[human] = self._standing(command.user, after, world)

    def _standing(self, user: str, after: Case, world: World) -> Standing:
        """What the case says this yes stands for, once it is found to be so."""
        given = after.approvals[-1]
        assert given.user == user
        if not given.instead_of:
            return Standing(frozenset({self.identities[user]}), self._roles(user, world))
        absent = self.identities[given.instead_of]
        lent = [way for way in self._lent(user, world) if absent in way.humans and given.role in way.roles]
        assert lent, f"{user} says they act for {given.instead_of}"
        assert not any(absent in other.humans for other in self.yes.values()), f"{absent} counts twice"
        return lent[0]

    def _lent(self, user: str, world: World) -> list[Standing]:
        """For whom they could act: who holds the role lent, and has no part in the case."""
        human, deputies = self.identities[user], world.people.deputies if self._may_act(user, world) else ()
        return [
            Standing(frozenset({human, absent}), deputy.roles & self._roles(deputy.of, world))
            for deputy in deputies
            if self.identities[deputy.to] == human
            and not self._barred(absent := self.identities[deputy.of], world)
            and absent != self._writer
        ]

    def _every_way(self, user: str, world: World) -> list[Standing]:
        return [Standing(frozenset({self.identities[user]}), self._roles(user, world)), *self._lent(user, world)]

    @property
    def _writer(self) -> str:
        return self.texts[-1].writer if self.texts else ""

    def _may_act(self, user: str, world: World) -> bool:
        person = world.people.persons.get(user)
        return person is not None and not (person.is_bot or person.is_guest or person.deleted)

    def _roles(self, user: str, world: World) -> frozenset[str]:
        if not self._may_act(user, world):
            return frozenset()
        person = world.people.persons[user]
        accounts = {u for u, p in world.people.persons.items() if p.email.casefold() == person.email.casefold()}
        named = {account.casefold() for account in accounts} | {person.email.casefold()}
        looked_up = {role for role, users in self.owners.items() if users & named}
        return frozenset(role for role, users in world.people.roles.items() if users & accounts) | looked_up

    def _escalations(self, outcome: Outcome, world: World) -> None:
        route, stage = outcome.case.assessed.route.role, outcome.case.current_stage
        now_asked = stage.roles if stage else ()
        for event in outcome.events:
            if event.type != "Escalated":
                continue
            if "gains_step" not in event.data:
                self.stand_ins |= {(event.data["to_role"], r) for r in self._nobody_in(outcome.case, world)}
            elif event.data["gains_step"] and event.data["to_role"] not in now_asked:
                self.stand_ins.add((event.data["to_role"], route))

    def _nobody_in(self, case: Case, world: World) -> set[str]:
        """Roles whose part of a step cannot be done by whoever is there now."""
        taken = frozenset({self._writer}).union(*(yes.humans for yes in self.yes.values()))
        found: set[str] = set()
        for stage in case.assessed.stages:
            for slot in slots_of(stage):
                able = {
                    self.identities[user]
                    for user in world.people.persons
                    if not self._barred(self.identities[user], world)
                    and any(way.roles & slot and not way.humans & taken for way in self._every_way(user, world))
                }
                if len(able) < (stage.quorum if stage.mode == "quorum" else 1):
                    found |= slot
        return found

    # --- what leaves ---------------------------------------------------------------------------------------------

    def _leaves(self, reply: HelpdeskReply, before: Case | None, after: Case, world: World) -> None:
        if reply.kind == "holding":
            self.holdings += 1
            assert self.holdings == 1, "a second holding message"
            assert reply.text == world.policy.holding_text
            assert reply.text not in {t.text for t in self.texts}
            assert after.verdict is None or after.verdict.outcome == "expired"
            return
        last = self.texts[-1]
        assert reply.text == last.text
        assert reply.text.strip()
        assert reply.request_hash == self._hash(after)
        assert not blocked(scan_reply(after, reply.text, world.policy.rules, "witness"))
        assert not (last.by_ai and world.pauses & {"", after.assessed.route.channel}), "AI text left while paused"
        wanted = after.assessed
        if wanted.ai_mode == "summarize_only" or wanted.must_edit:
            assert folded(reply.text) not in {folded(t.text) for t in self.texts if t.by_ai}
        if wanted.required in ("auto", "notify"):
            assert before is None or before.state == "received"
            assert not world.policy.baseline
            assert last.by_ai
            assert wanted.tier == "low"
            return
        behind = [yes for yes in self.yes.values() if not any(self._barred(human, world) for human in yes.humans)]
        needed = [slot for stage in wanted.stages for slot in slots_of(stage)]
        assert needed
        assert self._filled(needed, behind), f"{wanted.stages} not filled by {behind}"

    def _barred(self, human: str, world: World) -> bool:
        """Whether this human asked for the reply, and may not decide on it."""
        submitted, action = self.received.submitted_by, self.received.action
        by_account = self.identities.get(submitted.slack_user, "") if submitted else ""
        by_mail = submitted.email.casefold() if submitted else ""
        if human not in {by_account, by_mail}:
            return False
        if any(not t.by_ai and not t.writer for t in self.texts):
            return True
        if action is None:
            return False
        topic = world.policy.risk.actions.get(action.type)
        moves_money = topic is None or topic.money or action.amount is not None or bool(action.amount_text)
        return moves_money or action.irreversible

    def _filled(self, slots: list[frozenset[str]], behind: list[Standing]) -> bool:
        """Whether each slot can have a yes of its own, for humans whom no other yes stands for."""
        if not slots:
            return True
        allowed = self._allowed(slots[0])
        return any(
            yes.roles & allowed
            and self._filled(slots[1:], [other for other in behind if not other.humans & yes.humans])
            for yes in behind
        )

    def _allowed(self, slot: frozenset[str]) -> frozenset[str]:
        return slot | {let_in for let_in, instead in self.stand_ins if instead in slot}

    def _hash(self, case: Case) -> str:
        """The request hash, from the parts as they came in; ASCII, so sorted JSON is RFC 8785's form."""
        action = self.received.action
        amount = f"{action.amount.normalize():f}" if action and action.amount is not None else None
        asked = action and {
            "type": action.type,
            "amount": amount or action.amount_text or None,
            "currency": action.currency or None,
        }
        parts = {
            "case_id": self.received.case_id,
            "draft_version": len(self.texts),
            "text": self.texts[-1].text if self.texts else "",
            "recipient": self.received.customer.id,
            "channel": self.received.ticket.channel,
            "action": asked,
            "policy_snapshot": case.policy_snapshot,
        }
        return sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    # --- deliveries ----------------------------------------------------------------------------------------------

    def _deliveries(self, outcome: Outcome) -> None:
        case = outcome.case
        for settled in outcome.settled:
            was = self.outbox.get(settled.delivery, "done")
            if settled.status == "redrive":
                self.outbox[settled.delivery] = "pending" if was in ("dead", "indeterminate") else was
            elif was != "done" and (was != "cancelled" or settled.status == "done"):
                self.outbox[settled.delivery] = settled.status
        for pending in outcome.effects:
            assert pending.id == f"{case.id}-{pending.number}"
            assert pending.number > max(self.numbers, default=0), "a delivery id was used twice"
            self.numbers.append(pending.number)
            self.outbox[pending.id] = "pending"
            if pending.lane == f"{case.id}:out":
                reply = pending.effect if isinstance(pending.effect, HelpdeskReply) else None
                self.out_lane[pending.id] = reply if reply and reply.kind == "reply" else None
        status = self.outbox.get(case.pending_reply)
        if case.state == "sending":
            assert status == "pending", f"a reply that is being sent is {status}"
        if case.state in ("failed", "indeterminate"):
            assert status in ("dead", "indeterminate"), f"{case.state}, and nobody could drive the {status} reply again"
        if case.is_final:
            stuck = [d for d in self.replies() if self.outbox[d] in ("dead", "indeterminate")]
            assert not stuck, f"the case is {case.state}, and {stuck} hold back what follows"

    def replies(self) -> list[str]:
        return [delivery for delivery, reply in self.out_lane.items() if reply]


def slots_of(stage: Stage) -> Iterable[frozenset[str]]:
    """The roles of each of the people that a stage needs."""
    if stage.mode in ("each", "all_of"):
        return [frozenset({role}) for role in stage.roles]
    return [frozenset(stage.roles)] * (stage.quorum if stage.mode == "quorum" else 1)
