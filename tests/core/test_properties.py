"""Long histories that nobody wrote down: whatever people, timers and far ends do, a witness judges what leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from app.core.case import OPEN_STATES, TIERS, Action, Case, Draft, Submitter
from app.core.errors import Refused
from app.core.machine import decide, expand
from app.core.messages import (
    DECISION_EVENTS,
    AddCustomerMessage,
    AddNote,
    AnyCommand,
    Approve,
    Callback,
    Click,
    Decline,
    Delivered,
    Edit,
    FireTimer,
    GaveUp,
    HeldAtGate,
    Outcome,
    PacketPost,
    PacketUpdate,
    Parked,
    Receipt,
    ReceiveCase,
    RecordView,
    RedriveDelivery,
    Reject,
    ReportActionResult,
    SettleDelivery,
    SignOff,
    SubmitDraft,
    Supersede,
    Undo,
    Withdraw,
    WriteReply,
)
from app.core.people import People
from app.core.policy import Policy, compile_policy
from app.core.stages import eligible
from app.core.world import History, World
from blocks.packet import packet_message
from blocks.surface import surroundings_of
from tests.core.policies import with_risk
from tests.core.witness import Witness
from tests.make import NOW, a_customer, a_draft, a_message, a_person, a_ticket, people, signals
from tests.scenes import SCENES, SHIPPED

_T = TypeVar("_T")

TEXTS = (
    "Thank you for asking. A colleague looks at your order today.",
    "Thank you for your patience. We write to you again tomorrow.",
    a_draft().text,
    SCENES["refund"]["draft"].text,
    "We have issued a refund of 240 EUR to your card.",  # a commitment: blocked until verified
    "You will win your lawsuit against them, legally speaking, guaranteed.",
    "  ",
)
ROLES = ("support_agent", "support_lead", "billing_approver", "executive_approver", "compliance_approver")
PEOPLE = people(
    {role: (*people().roles[role], "UMANY") for role in ROLES},
    a_person("UMANY", name="Mo Many"),
    a_person("UGONE", deleted=True),
)
DIRECTORY = replace(PEOPLE, roles={**PEOPLE.roles, "support_agent": PEOPLE.roles["support_agent"] | {"UGONE", "UBOT"}})
IDENTITIES = {user: person.key for user, person in DIRECTORY.persons.items()} | {"UNOBODY": "nobody"}
USERS = (
    "UMANY",
    "UAGENT1",
    "UAGENT1B",
    "UAGENT2",
    "ULEAD1",
    "UBILL1",
    "UEXEC1",
    "UCOMP1",
    "USEC1",
    "USPEC1",
    "ULEGAL1",
)
STRANGERS = ("UGUEST", "UBOT", "UGONE", "UNOBODY", "UCRM1")

EACH = {"id": "both", "label": "Both", "each": ["support_agent", "support_lead"]}
QUORUM = {"id": "two", "label": "Two of them", "quorum": 2, "of": ["support_agent", "support_lead", "$route"]}
LAST = {"id": "last", "label": "Executive", "any_of": ["executive_approver"]}
FIRST = {"id": "first", "label": "First", "any_of": ["support_agent", "$route"]}
CHANGES: dict[str, dict[str, Any]] = {
    "no baseline": {"baseline_mode": False},
    "each": {"stages": [EACH]},
    "each last": {"stages": [FIRST, {**EACH, "each": ["support_lead", "$route", "executive_approver"]}]},
    "quorum": {"stages": [QUORUM, LAST], "baseline_mode": False},
    "quorum last": {"stages": [FIRST, QUORUM]},
}

CONFIDENT = a_draft(confidence=0.99)
REFUND = SCENES["refund"]
OPENINGS: dict[str, dict[str, Any]] = {
    **SCENES,
    "confident": {"draft": CONFIDENT, "signals": signals("shipping_status")},
    "notify": {"draft": CONFIDENT, "signals": signals("shipping_status"), "action": Action(type="ticket_update")},
    "nothing drafted": {"draft": None, "signals": signals("shipping_status")},
    "empty draft": {"draft": a_draft(" "), "signals": signals("shipping_status")},
    "unsure": {"signals": signals("shipping_status", intent_confidence=0.3)},
    "no going back": {
        **SCENES["refund by an agent"],
        "action": Action(type="refund", amount=Decimal("240.50"), currency="EUR", irreversible=True),
        "submitted_by": Submitter(email="UMANY@countersign.example"),
    },
    "own refund": {
        **REFUND,
        "action": Action(type="refund", currency="EUR"),
        "submitted_by": Submitter(slack_user="UAGENT1B"),
    },
    "export": {
        "signals": signals("data_export"),
        "draft": a_draft(TEXTS[0], author="human", author_id=""),
        "action": Action(type="data_export", scope="bulk"),
    },
    "enterprise": {
        "signals": signals("order_change"),
        "customer": a_customer(segment="enterprise"),
        "draft": a_draft(TEXTS[0]),
        "action": Action(type="order_change", amount=Decimal("20000"), currency="EUR"),
    },
    "by phone": {"ticket": a_ticket(channel="phone")},
    "late already": {"deadline": NOW - timedelta(minutes=5)},
    "due soon": {"deadline": NOW + timedelta(hours=1), "signals": signals("discount")},
    "a colleague's": {
        "draft": a_draft(TEXTS[1], author="human", author_id="ULEAD1"),
        "submitted_by": Submitter(slack_user="ULEAD1"),
    },
}


@cache
def policy_of(variant: str) -> Policy:
    return SHIPPED if variant == "shipped" else compile_policy(with_risk(**CHANGES[variant]))


class Histories(RuleBasedStateMachine):
    """One ticket and its cases, driven through `expand` and `decide` the way the engine drives them."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOW
        self.people: People = DIRECTORY
        self.history = History()
        self.cases: dict[str, Case] = {}
        self.witnesses: dict[str, Witness] = {}
        self.receipts: list[Receipt] = []  # given once, and maybe once more
        self.on_the_way: list[Delivered] = []  # arrived, though nobody here knows it yet
        self.seen: list[str] = [""]
        self.refusals: list[Refused] = []

    # --- the engine's part ---------------------------------------------------------------------------------------

    def do(self, command: AnyCommand) -> bool:
        case = self.cases.get(command.case_id)
        standing = self.standing
        basis = standing if isinstance(command, AddCustomerMessage) and standing is not None else case
        about = standing if isinstance(command, AddCustomerMessage | ReceiveCase) else None
        before = dict(self.cases)
        try:
            for step in expand(command, basis, about):
                outcome = decide(self.cases.get(step.case_id), step, self.world)
                self.judge(self.cases.get(step.case_id), step, outcome)
                self.cases[step.case_id] = outcome.case
                self.seen.append(outcome.case.request_hash)
        except Refused as refusal:
            self.refusals.append(refusal)
            self.cases = before
            return False
        return True

    @property
    def world(self) -> World:
        return World(now=self.now, policy=self.policy, active=self.policy, people=self.people, history=self.history)

    @property
    def standing(self) -> Case | None:
        return next((c for c in self.cases.values() if c.state in OPEN_STATES), None)

    @property
    def current(self) -> Case:
        return list(self.cases.values())[-1]

    def judge(self, before: Case | None, command: AnyCommand, outcome: Outcome) -> None:
        case = outcome.case
        if isinstance(command, ReceiveCase):
            self.witnesses[case.id] = Witness(command, IDENTITIES)
        self.witnesses[case.id].saw(before, command, outcome, self.world)
        assert outcome.events
        assert sum(e.type in DECISION_EVENTS for e in outcome.events) <= 1
        if before is None:
            return
        assert case.version == before.version + 1
        assert TIERS.index(case.assessed.tier) >= TIERS.index(before.assessed.tier)
        assert case.state == before.state or any(isinstance(p.effect, Callback) for p in outcome.effects)
        told = {p.effect.packet for p in outcome.effects if isinstance(p.effect, PacketPost | PacketUpdate)}
        for packet in case.packets:
            old = before.packet(packet.key)
            same = old and self.shown(before, old) == self.shown(case, packet)
            assert same or packet.key in told, f"{type(command).__name__}: {packet.key} shows what was before"
        if isinstance(command, Supersede):
            assert case.superseded_by == command.successor
        voids = Edit | WriteReply | SubmitDraft | Decline
        if isinstance(command, voids) or (isinstance(command, Reject) and not case.is_final):
            assert not set(before.approvals) & set(case.approvals)

    def shown(self, case: Case, packet: Any) -> str:
        return packet_message(case, packet, surroundings_of(self.policy, self.people)).digest

    # --- how a history begins ------------------------------------------------------------------------------------

    @initialize(
        variant=st.sampled_from(["shipped", *CHANGES]), opening=st.sampled_from(sorted(OPENINGS)), loop=st.booleans()
    )
    def a_case_comes_in(self, variant: str, opening: str, loop: bool) -> None:
        self.policy = policy_of(variant)
        self.history = History(unresolved_7d=2 if loop else 0)
        self.opening = opening
        self.receive()

    def receive(self) -> None:
        known: dict[str, Any] = {"signals": signals(), "ticket": a_ticket(), "customer": a_customer()}
        known |= {"messages": (a_message(),), "draft": a_draft(), "callback_url": "https://agent.example/hook"}
        case_id = f"c_{len(self.cases) + 1:08}"
        self.do(ReceiveCase(**{**known, **OPENINGS[self.opening], "case_id": case_id, "by": "api:helpdesk"}))

    # --- people --------------------------------------------------------------------------------------------------

    def some_case(self, data: st.DataObject) -> Case:
        return self.cases[self.pick(data, [*[(self.standing or self.current).id] * 12, *self.cases])]

    def click(self, data: st.DataObject, case: Case) -> dict[str, Any]:
        """Mostly somebody who can act, on what stands there now."""
        able = [p.user_id for p in eligible(case, self.people)] if case.current_stage else []
        signed = [a.user for a in case.approvals]
        user = self.pick(data, [*able * 8, *signed * 3, *USERS, *STRANGERS])
        seen = self.pick(data, [*[case.request_hash] * 20, *self.seen[-4:]])
        return {"case_id": case.id, "user": user, "seen": seen}

    def pick(self, data: st.DataObject, options: Sequence[_T]) -> _T:
        return data.draw(st.sampled_from(options))

    @rule(data=st.data())
    def somebody_says_yes(self, data: st.DataObject) -> None:
        case = self.some_case(data)
        done = case.assessed.checklist[: self.pick(data, [9, 9, 9, 1])]
        if case.state == "awaiting_signoff":
            self.do(SignOff(**self.click(data, case)))
        else:
            self.do(Approve(**self.click(data, case), checklist=done))

    @rule(data=st.data())
    def somebody_writes(self, data: st.DataObject) -> None:
        case = self.some_case(data)
        kind: Callable[..., AnyCommand] = (
            WriteReply if case.sendable_draft is None else self.pick(data, [Edit, WriteReply])
        )
        text = self.pick(data, TEXTS[:2] * 3 + TEXTS)
        self.do(kind(**self.click(data, case), text=text, checklist=case.assessed.checklist))

    @rule(data=st.data())
    def somebody_says_no(self, data: st.DataObject) -> None:
        case = self.some_case(data)
        then = self.pick(data, [*["redraft", "write"] * 5, "hand_back"])
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

    @precondition(lambda self: any(c.state == "approved" for c in self.cases.values()))
    @rule(data=st.data())
    def somebody_takes_it_back(self, data: st.DataObject) -> None:
        self.do(Undo(**self.click(data, self.some_case(data))))

    @rule(data=st.data(), user=st.sampled_from(USERS))
    def the_directory_changes(self, data: st.DataObject, user: str) -> None:
        person = self.people.persons[user]
        role = self.pick(data, ROLES)
        members = self.people.roles[role]
        match self.pick(data, ["leaves", "new address", "joins", "empties", "back"]):
            case "leaves":
                self.meet(replace(person, deleted=True))
            case "new address" if user not in ("UAGENT1", "UAGENT1B"):
                self.meet(replace(person, email=f"new.{person.email}"))
            case "joins":
                self.people = replace(self.people, roles={**self.people.roles, role: members | {user}})
            case "empties":
                self.people = replace(self.people, roles={**self.people.roles, role: frozenset()})
            case _:
                self.people = DIRECTORY

    def meet(self, person: Any) -> None:
        self.people = replace(self.people, persons={**self.people.persons, person.user_id: person})

    # --- callers, customers, time --------------------------------------------------------------------------------

    @rule(data=st.data(), text=st.sampled_from(TEXTS), author=st.sampled_from(["ai", "human"]))
    def the_caller_sends_another_draft(self, data: st.DataObject, text: str, author: str) -> None:
        draft: Draft = replace(CONFIDENT, text=text, author=author)
        self.do(SubmitDraft(case_id=self.some_case(data).id, by="api:agent", draft=draft))

    @rule(data=st.data(), amount=st.sampled_from(["", "240", "240.5", "9", "about 9"]), ok=st.booleans())
    def the_caller_reports(self, data: st.DataObject, amount: str, ok: bool) -> None:
        status: Any = "succeeded" if ok else "failed"
        case = self.some_case(data)
        self.do(ReportActionResult(case_id=case.id, by="api:agent", status=status, amount=amount, reference="r1"))

    @precondition(lambda self: self.standing is None)
    @rule()
    def another_case_comes_in(self) -> None:
        self.receive()

    @rule(data=st.data(), kind=st.sampled_from([*["nothing"] * 9, "message", "case", "withdraw", "answered"]))
    def the_ticket_moves_on(self, data: st.DataObject, kind: str) -> None:
        case = self.some_case(data)
        was = self.standing
        if kind == "nothing" and not case.is_final:
            return
        if kind == "case":
            self.receive()
        elif kind in ("message", "nothing"):
            new = f"c_{len(self.cases) + 1:08}"
            message = a_message("Hello? Any news?")
            self.do(
                AddCustomerMessage(
                    case_id=case.id,
                    by="api:h",
                    message=message,
                    new_case_id=new,
                    signals=OPENINGS[self.opening].get("signals", signals()),
                )
            )
        else:
            self.do(Withdraw(case_id=case.id, by="api:h", reason="no need", answered_elsewhere=kind == "answered"))
            return
        assert self.current.supersedes == (was.id if was else "")

    @rule(data=st.data(), minutes=st.sampled_from([0, 0, 0, 1, 1, 20, 20, 60, 200, 1500]))
    def time_passes(self, data: st.DataObject, minutes: int) -> None:
        """What is due fires late, in any order, or not yet at all."""
        self.now += timedelta(minutes=minutes, seconds=5)
        keys = [(c.id, t.key) for c in self.cases.values() for t in c.timers if t.due_at <= self.now]
        for case_id, key in data.draw(st.permutations(keys))[: self.pick(data, [1, 9])]:
            self.do(FireTimer(case_id=case_id, key=key))
            assert not self.do(FireTimer(case_id=case_id, key=key)), "a timer fired twice"

    # --- far ends ------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(c.state == "sending" for c in self.cases.values()))
    @rule(data=st.data(), what=st.sampled_from(["arrives", "arrives", "slowly", "lost", "refused", "unclear", "held"]))
    def a_reply_goes_out(self, data: st.DataObject, what: str) -> None:
        case = next(c for c in self.cases.values() if c.state == "sending")
        witness = self.witnesses[case.id]
        known = {"case_id": case.id, "delivery": case.pending_reply}
        reply = witness.out_lane[case.pending_reply]
        assert reply is not None
        assert case.sendable_draft is not None
        assert (reply.text, reply.request_hash) == (case.sendable_draft.text, case.request_hash)
        if what in ("arrives", "slowly", "lost"):
            witness.arrived += 1
        parked = Parked(**known, error="time-out", look_at="ticket 48213")
        receipts: dict[str, Receipt] = {
            "arrives": Delivered(**known),
            "lost": parked,
            "unclear": parked,
            "refused": GaveUp(**known, error="gone", remedy="mend it"),
            "held": HeldAtGate(**known, reason="A new rule."),
        }
        if what == "slowly":
            self.on_the_way.append(Delivered(**known))
            self.receipt(parked)
        else:
            self.receipt(receipts[what])

    def receipt(self, receipt: Any) -> None:
        self.receipts.append(receipt)
        assert self.do(receipt)

    @rule(data=st.data())
    def a_receipt_comes_late_or_again(self, data: st.DataObject) -> None:
        if self.on_the_way:
            self.receipt(self.on_the_way.pop())
        elif self.receipts:
            self.do(self.pick(data, self.receipts))  # type: ignore[arg-type]

    @precondition(lambda self: any(c.state in ("failed", "indeterminate") or c.is_final for c in self.cases.values()))
    @rule(data=st.data(), user=st.sampled_from([*["ULEAD1", "ULEAD2"] * 8, *USERS, *STRANGERS]))
    def somebody_settles_or_redrives(self, data: st.DataObject, user: str) -> None:
        """Who settles looked: says what is true."""
        unclear = [c for c in self.cases.values() if c.state == "indeterminate"]
        case = unclear[0] if unclear else self.some_case(data)
        witness = self.witnesses[case.id]
        settle = SettleDelivery(
            case_id=case.id, user=user, delivery=case.pending_reply, arrived=witness.arrived > 0, seen=case.request_hash
        )
        number = self.pick(data, [case.deliveries, *range(1, case.deliveries + 1)])
        again = RedriveDelivery(case_id=case.id, by="system:cli", delivery=f"{case.id}-{number}")
        self.do(self.pick(data, [settle, settle, again, replace(again, delivery=case.pending_reply or again.delivery)]))

    # --- what always holds ---------------------------------------------------------------------------------------

    @invariant()
    def every_refusal_says_why(self) -> None:
        assert all(r.code and r.sentence[-1] in '.!?"' for r in self.refusals)
        self.refusals.clear()

    @invariant()
    def every_case_is_sound(self) -> None:
        assert sum(c.state in OPEN_STATES for c in self.cases.values()) <= 1
        for case in self.cases.values():
            kinds = {t.kind for t in case.timers}
            if case.state in ("pending", "awaiting_signoff", "blocked"):
                assert "expire" in kinds
                assert "send" not in kinds
                assert case.packets
            else:
                assert kinds == ({"send"} if case.state == "approved" else set())
            if case.state in ("failed", "indeterminate"):
                assert case.packets, "nobody could see the trouble"
            if case.is_final:
                buttons = {b for p in case.packets for b in self.buttons(case, p)}
                assert buttons <= {"cs:history"}
                assert not any(p.can_decide for p in case.packets if p.kind == "signoff")
            if case.state == "awaiting_signoff":
                asked = {b for p in case.packets for b in self.buttons(case, p)}
                assert {"cs:signoff", "cs:decline"} <= asked
            assert self.witnesses[case.id].arrived <= 1, "the customer got the same case's reply twice"
            for bounded in (case.notes, case.drafts, case.escalations, case.fired, case.messages):
                assert len(bounded) <= 200

    def buttons(self, case: Case, packet: Any) -> set[str]:
        message = packet_message(case, packet, surroundings_of(self.policy, self.people))
        actions = [b for b in message.blocks if b["type"] == "actions"]
        return {e["action_id"] for b in actions for e in b["elements"]}


Histories.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestHistories = Histories.TestCase
