"""Long histories that nobody wrote down: whatever people, timers and far ends do, a witness judges what leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from msgspec.structs import replace

from app.core.assessment import TIERS
from app.core.case import Case
from app.core.effects import (
    DECISION_EVENTS,
    Callback,
    Click,
    DirectMessage,
    Outcome,
    PacketPost,
    PacketUpdate,
    ThreadReply,
)
from app.core.messages import (
    AddCustomerMessage,
    AddNote,
    AnyCommand,
    ApplyPause,
    Approve,
    ClaimCase,
    Decline,
    Delivered,
    Drafted,
    Edit,
    FireTimer,
    GaveUp,
    HandOver,
    HeldAtGate,
    ModelFailed,
    PacketShown,
    Parked,
    Reassess,
    Receipt,
    ReceiveCase,
    RecordView,
    RedriveDelivery,
    Reject,
    ReleaseCase,
    Reopen,
    RepairPacket,
    ReportActionResult,
    RoleResolved,
    RoleUnresolved,
    SettleDelivery,
    SignOff,
    SubmitDraft,
    Supersede,
    SurfaceLost,
    Understood,
    Undo,
    UnfoldPacket,
    Withdraw,
    WithdrawByPerson,
    WriteReply,
)
from app.core.people import Deputy, Person
from app.core.stages import eligible
from app.core.world import Crowd, World
from tests.core.openings import (
    BARE,
    CHANGES,
    CONFIDENT,
    DIRECTORY,
    IDENTITIES,
    NAMED,
    OPENINGS,
    ROLES,
    STRANGERS,
    TEXTS,
    USERS,
    policy_of,
)
from tests.core.ticket import Ticket
from tests.make import a_message, signals

_T = TypeVar("_T")


class Histories(Ticket):
    """Whatever happens to a ticket, by whoever is or is not allowed to; `Ticket` says what must hold."""

    # --- the engine's part ---------------------------------------------------------------------------------------

    def judge(self, before: Case | None, command: AnyCommand, outcome: Outcome, world: World) -> None:
        super().judge(before, command, outcome, world)
        case = outcome.case
        self.as_the_page_says(before, command, outcome)
        decided = sum(e.type in DECISION_EVENTS for e in outcome.events)
        assert decided <= 1
        if decided and before and before.claim and before.claim.until > world.now:
            same = IDENTITIES[before.claim.user] == IDENTITIES[command.user]  # type: ignore[union-attr]
            assert same or "support_lead" in world.people.roles_of(command.user), "decided on another's claim"  # type: ignore[union-attr]
        if before is None:
            return
        assert case.version == before.version + 1
        if isinstance(command, Reassess):
            self.judge_reassessed(before, command, case, world)
        else:
            assert TIERS.index(case.assessed.tier) >= TIERS.index(before.assessed.tier)
        assert case.state == before.state or any(isinstance(p.effect, Callback) for p in outcome.effects)
        direct = [(p.effect.kind, p.effect.user) for p in outcome.effects if isinstance(p.effect, DirectMessage)]
        ends = case.is_final and before.state != case.state and case.state != "superseded"
        assert {u for kind, u in direct if kind == "cc_closed"} == ({"UCRM1", "UOPS1"} if ends else set())
        assert len(set(direct)) == len(direct), "somebody was told the same twice"
        told = {p.effect.packet for p in outcome.effects if isinstance(p.effect, PacketPost | PacketUpdate)}
        for packet in case.packets:
            old = before.packet(packet.key)
            same = old and self.shown(before, old).digest == self.shown(case, packet).digest
            known = same or packet.lost or packet.folded or packet.key in told
            assert known, f"{type(command).__name__}: {packet.key} shows what was before"
        for effect in (p.effect for p in outcome.effects):
            needed = case.packet(effect.packet) if isinstance(effect, ThreadReply | PacketPost | PacketUpdate) else None
            quiet = isinstance(effect, ThreadReply) and effect.kind in ("decided", "delivered")
            assert quiet or needed is None or not needed.folded, "nobody sees what a folded packet's thread says"
        if isinstance(command, Supersede):
            assert case.superseded_by == command.successor
        if isinstance(command, Edit | WriteReply | SubmitDraft | Decline | Reject | Reopen) and not case.is_final:
            assert not set(before.approvals) & set(case.approvals)

    # --- how a history begins, and begins again ------------------------------------------------------------------

    @initialize(data=st.data())
    def a_case_comes_in(self, data: st.DataObject) -> None:
        self.receive(data)

    def receive(self, data: st.DataObject) -> None:
        """The whole variety of policies and openings, those without people in the loop more often than chance."""
        variant = self.pick(data, ["shipped", *CHANGES])
        opening = self.pick(data, sorted(OPENINGS))
        if self.pick(data, range(8)) == 0:
            variant, opening = "no baseline", self.pick(data, ["confident", "notify"])
        self.active = policy_of(variant)
        self.model = self.pick(data, [False, False, True])
        self.crowds = {"support-review": Crowd(low=self.pick(data, [0, 99]))}
        self.do(ReceiveCase(**{**BARE, **OPENINGS[opening], "case_id": self.new_id(), "by": "api:helpdesk"}))

    # --- people --------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def people_work(self, data: st.DataObject) -> None:
        """A few steps in the direction of a reply, by whoever is there."""
        for _ in range(self.pick(data, [1, 2, 4, 8])):
            case = self.some_case(data)
            match case.state:
                case "pending" if self.pick(data, [True, True, False]) and case.sendable_draft and not case.blocking:
                    done = case.assessed.checklist[: self.pick(data, [9, 9, 9, 1])]
                    self.do(Approve(**self.click(data, case), checklist=done))
                case "pending" | "blocked":
                    self.somebody_writes(data)
                case "awaiting_signoff":
                    self.do(SignOff(**self.click(data, case)))
                case "approved":
                    self.fire(data, case, timedelta(seconds=5))
                case "sending":
                    self.a_reply_goes_out(data)
                case "received":
                    self.the_model_answers(data)
                case "failed" | "indeterminate":
                    self.somebody_settles_or_redrives(data)
                case _ if self.standing is None:
                    self.receive(data)

    @rule(data=st.data())
    def somebody_writes(self, data: st.DataObject) -> None:
        case = self.some_case(data)
        kind = Edit if case.sendable_draft and self.pick(data, [True, True, False]) else WriteReply
        text = self.pick(data, TEXTS[:2] * 4 + TEXTS)
        self.do(kind(**self.click(data, case), text=text, checklist=case.assessed.checklist))

    @rule(data=st.data())
    def somebody_says_no(self, data: st.DataObject) -> None:
        case = self.some_case(data)
        then = self.pick(data, [*["redraft", "write"] * 4, "hand_back"])
        if case.state == "awaiting_signoff" and self.pick(data, [True, False]):
            self.do(Decline(**self.click(data, case), reason=self.pick(data, ["Wrong amount.", " "])))
        else:
            self.do(Reject(**self.click(data, case), category="wrong_facts", text="Wrong.", then=then))

    @rule(data=st.data())
    def somebody_looks_or_notes(self, data: st.DataObject) -> None:
        case = self.some_case(data)
        click = self.click(data, case)
        what = self.pick(data, ["edit", "approve", "reject", "write", "decline", "history", "withheld_draft"])
        note = AddNote(**click, text="Called the carrier.", click=Click(channel="C1", ts=f"{self.now.timestamp()}"))
        self.do(self.pick(data, [note, RecordView(**click, what=what)]))

    @rule(data=st.data())
    def somebody_claims_or_releases(self, data: st.DataObject) -> None:
        case = self.some_case(data)
        kind = self.pick(data, [ClaimCase, ClaimCase, ReleaseCase])
        if self.do(kind(**self.click(data, case))):
            assert (self.cases[case.id].claim is not None) == (kind is ClaimCase)

    @precondition(lambda self: any(p.folded for c in self.cases.values() for p in c.packets))
    @rule(data=st.data())
    def somebody_opens_a_line(self, data: st.DataObject) -> None:
        case = self.pick(data, [c for c in self.cases.values() if any(p.folded for p in c.packets)])
        command = UnfoldPacket(**self.click(data, case), packet="p1")
        assert self.do(command) is not case.is_final
        assert not self.do(command), "the same person opened it twice"

    @rule(data=st.data())
    def somebody_knows_better(self, data: st.DataObject) -> None:
        case = self.some_case(data)
        intent = self.pick(data, ["", "shipping_status", "discount", "refund_request", "legal_question", "no such"])
        tier: Any = self.pick(data, [None, None, "low", "medium", "high"])
        reason = self.pick(data, ["The customer only asks where it is.", " "])
        self.do(Reassess(**self.click(data, case), intent=intent, tier=tier, reason=reason))

    @precondition(lambda self: any(c.state == "approved" for c in self.cases.values()))
    @rule(data=st.data())
    def somebody_takes_it_back(self, data: st.DataObject) -> None:
        self.do(Undo(**self.click(data, self.some_case(data))))

    @rule(data=st.data())
    def the_switch_is_thrown(self, data: st.DataObject) -> None:
        """AI text is paused for everybody, for one queue, or not at all any more."""
        case = self.some_case(data)
        queue = case.assessed.route.channel
        self.pauses = self.pick(data, [frozenset(), frozenset(), frozenset({""}), frozenset({queue})])
        self.do(ApplyPause(case_id=case.id, by="slack:ULEAD1", reason="Wrong prices."))

    @rule(data=st.data())
    def the_directory_changes(self, data: st.DataObject) -> None:
        user, role = self.pick(data, USERS), self.pick(data, ROLES)
        person, members = self.people.persons[user], self.people.roles[role]
        match self.pick(data, ["leaves", "new address", "joins", "one left", "empties", "back", "back"]):
            case "leaves":
                self.meet(replace(person, deleted=True))
            case "new address" if user not in ("UAGENT1", "UAGENT1B"):
                self.meet(replace(person, email=f"new.{person.email}"))
            case "joins":
                self.people = replace(self.people, roles={**self.people.roles, role: members | {user}})
            case "one left":
                self.people = replace(self.people, roles={**self.people.roles, role: frozenset({"UMANY"})})
            case "empties":
                self.people = replace(self.people, roles={**self.people.roles, role: frozenset()})
            case _:
                self.people = DIRECTORY

    @rule(data=st.data())
    def somebody_goes_away_or_comes_back(self, data: st.DataObject) -> None:
        """Delegations as wild as the office would never allow: chains, loops, to who is on the other side."""
        if self.pick(data, [True, True, True, False]):
            case = self.some_case(data)
            asked = [p.user_id for p in eligible(case, self.people)] if case.current_stage else []
            of, to = self.pick(data, asked or USERS), self.pick(data, [*USERS, *USERS, *STRANGERS])
            lent = self.pick(data, [frozenset(ROLES), *[self.people.roles_of(of)] * 3])
            deputies = (*self.people.deputies, Deputy(of=of, to=to, roles=lent))[-3:]
            self.people = replace(self.people, deputies=deputies)
            until = self.now + timedelta(days=1)
            self.do(HandOver(case_id=case.id, by=f"slack:{of}", of=of, to=to, until=until))
            self.says_yes(case.id, to, of)
        else:
            self.people = replace(self.people, deputies=())

    def says_yes(self, case_id: str, *users: str) -> None:
        """One after the other, as soon as they may."""
        for user in users:
            case = self.cases[case_id]
            click = {"case_id": case_id, "user": user, "seen": case.request_hash}
            if case.state == "awaiting_signoff":
                self.do(SignOff(**click))
            elif case.assessed.must_edit and case.draft is not None and case.draft.author == "ai":
                self.do(Edit(**click, text=TEXTS[1], checklist=case.assessed.checklist))
            else:
                self.do(Approve(**click, checklist=case.assessed.checklist))

    def meet(self, person: Person) -> None:
        self.people = replace(self.people, persons={**self.people.persons, person.user_id: person})

    # --- callers, customers, time --------------------------------------------------------------------------------

    @rule(data=st.data())
    def the_caller_speaks(self, data: st.DataObject) -> None:
        case = self.some_case(data)
        draft = replace(CONFIDENT, text=self.pick(data, TEXTS), author=self.pick(data, ["ai", "ai", "human"]))
        amount = self.pick(data, ["", "240", "240.5", "9", "about 9"])
        status: Any = self.pick(data, ["succeeded", "succeeded", "failed"])
        report = ReportActionResult(case_id=case.id, by="api:agent", status=status, amount=amount, reference="r1")
        self.do(self.pick(data, [report, SubmitDraft(case_id=case.id, by="api:agent", draft=draft)]))

    @rule(data=st.data(), kind=st.sampled_from(["message", "message", "case", "withdraw", "by hand", "answered"]))
    def the_ticket_moves_on(self, data: st.DataObject, kind: str) -> None:
        case, was = self.some_case(data), self.standing
        if kind == "by hand":
            if self.do(WithdrawByPerson(**self.click(data, case), reason=self.pick(data, ["Sent twice.", ""]))):
                assert self.cases[case.id].state == "withdrawn"
            return
        if kind in ("withdraw", "answered"):
            self.do(Withdraw(case_id=case.id, by="api:h", reason="no need", answered_elsewhere=kind == "answered"))
            return
        if kind == "case":
            self.receive(data)
        else:
            news = a_message("Hello? Any news?")
            known = {"message": news, "new_case_id": self.new_id(), "signals": case.signals or signals()}
            self.do(AddCustomerMessage(case_id=case.id, by="api:h", **known))
        assert list(self.cases.values())[-1].supersedes == (was.id if was else "")

    @rule(data=st.data(), minutes=st.sampled_from([0, 1, 16, 31, 121, 241, 1500]))
    def time_passes(self, data: st.DataObject, minutes: int) -> None:
        self.fire(data, self.some_case(data), timedelta(minutes=minutes))

    def fire(self, data: st.DataObject, case: Case, passed: timedelta) -> None:
        """What is due fires late, in any order, or not yet at all; each once."""
        self.now += passed
        due = [t.key for t in case.timers if t.due_at <= self.now]
        for key in data.draw(st.permutations(due))[: self.pick(data, [9, 9, 1])]:
            self.do(FireTimer(case_id=case.id, key=key))
            assert not self.do(FireTimer(case_id=case.id, key=key)), "a timer fired twice"

    # --- far ends ------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(c.state == "sending" for c in self.cases.values()))
    @rule(data=st.data())
    def a_reply_goes_out(self, data: st.DataObject) -> None:
        case = next(c for c in self.cases.values() if c.state == "sending")
        witness = self.witnesses[case.id]
        reply = witness.out_lane[case.pending_reply]
        assert reply is not None
        assert case.sendable_draft is not None
        assert (reply.text, reply.request_hash) == (case.sendable_draft.text, case.request_hash)
        known = {"case_id": case.id, "delivery": case.pending_reply}
        parked = Parked(**known, error="time-out", look_at="ticket 48213")
        receipts: dict[str, Receipt] = {
            "arrives": Delivered(**known),
            "arrives slowly": parked,
            "arrives unseen": parked,
            "unclear": parked,
            "refused": GaveUp(**known, error="gone", remedy="mend it"),
            "held": HeldAtGate(**known, reason="A new rule."),
            "still waits": HeldAtGate(**known, reason="A new rule."),
        }
        what = self.pick(data, sorted(receipts))
        witness.arrived += what.startswith("arrives")
        if what == "arrives slowly":
            self.on_the_way.append(Delivered(**known))
        if what != "still waits":
            self.receipts.append(receipts[what])
            assert self.do(self.receipts[-1])

    @rule(data=st.data())
    def a_receipt_comes_late_or_again(self, data: st.DataObject) -> None:
        if self.on_the_way:
            self.receipts.append(self.on_the_way.pop())
            assert self.do(self.receipts[-1])
        elif self.receipts:
            self.do(self.pick(data, self.receipts))

    @precondition(lambda self: any(c.packets for c in self.cases.values()))
    @rule(data=st.data())
    def slack_shows_or_loses_a_packet(self, data: st.DataObject) -> None:
        """It takes the packet, refuses it for good, or somebody deletes it: the case stands somewhere all the same."""
        case = self.pick(data, [c for c in self.cases.values() if c.packets])
        packet = self.pick(data, case.packets)
        known: dict[str, Any] = {"case_id": case.id, "delivery": f"{case.id}-1", "packet": packet.key}
        place = {"channel": packet.channel, "ts": packet.ts or "", "error": "refused"}
        ts = f"{len(packet.gone)}.{case.version:06}"
        what = self.pick(data, ["shown", "shown", "channel", "message", "shape", "missing", "drifted", "no_channel"])
        if what == "shown":
            taken = PacketShown(**known, channel_id="C1", ts=packet.ts or ts, digest="")
            self.do(taken)
        elif what in ("channel", "message", "shape"):
            self.do(SurfaceLost(**known, **place, lost=what))
        else:
            self.do(RepairPacket(case_id=case.id, by="system:r", packet=packet.key, ts=packet.ts or "", found=what))

    @precondition(lambda self: any(c.asking for c in self.cases.values()))
    @rule(data=st.data())
    def the_model_answers(self, data: st.DataObject) -> None:
        """In time or late, usefully or not; what it says can only raise, what it writes is only a proposal."""
        case = next((c for c in self.cases.values() if c.asking), self.some_case(data))
        known = {"case_id": case.id, "delivery": case.asking or f"{case.id}-1"}
        label = self.pick(data, ["shipping_status", "refund_request", "legal_question", "nobody knows"])
        said = signals(label)
        draft = replace(CONFIDENT, text=self.pick(data, TEXTS), model_name="m")
        answers: list[Receipt] = [
            Understood(**known, model="m", signals=said),
            Drafted(**known, draft=draft),
            ModelFailed(**known, error="It refused."),
        ]
        if self.pick(data, [True, False, False]):
            self.fire(data, case, timedelta(seconds=11))
        answer = self.pick(data, answers)
        self.receipts.append(answer)
        assert self.do(answer)

    @precondition(lambda self: any(c.lookups for c in self.cases.values()))
    @rule(data=st.data())
    def a_role_is_looked_up(self, data: st.DataObject) -> None:
        """In time or late; who is named may be gone, unknown, or on the other side already."""
        case = self.pick(data, [c for c in self.cases.values() if c.lookups])
        lookup = self.pick(data, case.lookups)
        known = {"case_id": case.id, "delivery": lookup.delivery, "role": lookup.role}
        if self.pick(data, [True, False, False]):
            self.fire(data, case, timedelta(seconds=11))
        found = RoleResolved(**known, users=self.pick(data, NAMED), source="file")
        answer = self.pick(data, [found, found, found, RoleUnresolved(**known, error="It is down.")])
        self.receipts.append(answer)
        assert self.do(answer)

    @precondition(lambda self: any(c.state in ("failed", "indeterminate") or c.is_final for c in self.cases.values()))
    @rule(data=st.data())
    def somebody_settles_or_redrives(self, data: st.DataObject) -> None:
        """Who settles looked: says what is true."""
        unclear = [c for c in self.cases.values() if c.state == "indeterminate"]
        case = unclear[0] if unclear else self.some_case(data)
        click = self.click(data, case) | {"user": self.pick(data, ["ULEAD1", "ULEAD2", "UAGENT2", "UGUEST"])}
        arrived = self.witnesses[case.id].arrived > 0
        settle = SettleDelivery(**click, delivery=case.pending_reply, arrived=arrived)
        number = self.pick(data, [case.deliveries, *range(1, case.deliveries + 1)])
        by = self.pick(data, ["system:cli", f"slack:{click['user']}"])
        again = RedriveDelivery(case_id=case.id, by=by, delivery=f"{case.id}-{number}")
        self.do(self.pick(data, [settle, again, replace(again, delivery=case.pending_reply or again.delivery)]))

    @precondition(lambda self: any(c.state == "expired" for c in self.cases.values()))
    @rule(data=st.data())
    def somebody_reopens(self, data: st.DataObject) -> None:
        case = self.pick(data, [c for c in self.cases.values() if c.state == "expired"])
        if self.do(Reopen(**self.click(data, case))):
            after = self.cases[case.id]
            assert (after.approvals, after.verdict, after.opened_at) == ((), None, self.now)
            assert all(t.due_at >= self.now for t in after.timers)
            assert any(t.kind == "expire" and t.due_at > self.now for t in after.timers)


Histories.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestHistories = Histories.TestCase
