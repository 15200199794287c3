"""One ticket and its cases, driven the way the engine drives them, and what always holds for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from msgspec.structs import replace

from app.core.assessment import TIERS
from app.core.case import OPEN_STATES, Case, History, Packet
from app.core.effects import Outcome
from app.core.errors import Refused
from app.core.machine import decide, expand
from app.core.messages import (
    AddCustomerMessage,
    AnyCommand,
    Delivered,
    Reassess,
    ReceiveCase,
    SignOff,
)
from app.core.people import People
from app.core.policy import Policy
from app.core.stages import acting_roles, eligible, roles_at
from app.core.who import people_for
from app.core.world import Crowd, World
from blocks.packet import packet_message
from blocks.surface import surroundings_of
from tests.core.openings import (
    DIRECTORY,
    IDENTITIES,
    STRANGERS,
    USERS,
    policy_of,
)
from tests.core.witness import Witness, asked
from tests.docs.flow import case_flows
from tests.make import NOW

_T = TypeVar("_T")


class Ticket(RuleBasedStateMachine):
    """A subclass says in its rules what happens; `judge` is where it says what each change must be like."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOW
        self.model = False
        self.pauses: frozenset[str] = frozenset()
        self.crowds: dict[str, Crowd] = {}
        self.people: People = DIRECTORY
        self.active: Policy = policy_of("shipped")
        self.cases: dict[str, Case] = {}
        self.policies: dict[str, Policy] = {}
        self.witnesses: dict[str, Witness] = {}
        self.receipts: list[Any] = []  # given once, and maybe once more
        self.on_the_way: list[Delivered] = []  # arrived, though nobody here knows it yet
        self.seen: list[str] = [""]
        self.refusals: list[Refused] = []
        self.changed: set[str] = set()
        self.pictures: dict[tuple[Any, ...], Any] = {}

    # --- the engine's part ---------------------------------------------------------------------------------------

    def do(self, command: AnyCommand) -> bool:
        case = self.cases.get(command.case_id)
        standing = self.standing
        basis = standing if isinstance(command, AddCustomerMessage) and standing is not None else case
        about = standing if isinstance(command, AddCustomerMessage | ReceiveCase) else None
        before = dict(self.cases)
        try:
            for step in expand(command, basis, about):
                policy = self.policies.setdefault(step.case_id, self.active)
                world = World(
                    now=self.now,
                    policy=policy,
                    active=self.active,
                    people=self.people,
                    history=self.loop,
                    standing=self.standing.id if self.standing else "",
                    model=self.model,
                    pauses=self.pauses,
                    crowds=self.crowds,
                )
                outcome = decide(self.cases.get(step.case_id), step, world)
                self.judge(self.cases.get(step.case_id), step, outcome, world)
                self.cases[step.case_id] = outcome.case
                self.seen.append(outcome.case.request_hash)
        except Refused as refusal:
            self.refusals.append(refusal)
            self.cases = before
            return False
        return True

    @property
    def standing(self) -> Case | None:
        return next((c for c in self.cases.values() if c.state in OPEN_STATES), None)

    @property
    def loop(self) -> History:
        return History(unresolved_7d=len(self.cases) % 3)

    def judge(self, before: Case | None, command: AnyCommand, outcome: Outcome, world: World) -> None:
        """Called with each change that was accepted, before the next one."""
        case = outcome.case
        self.changed.add(case.id)
        if isinstance(command, ReceiveCase):
            self.witnesses[case.id] = Witness(command, IDENTITIES)
        self.witnesses[case.id].saw(before, command, outcome, world)
        assert outcome.events

    def judge_reassessed(self, before: Case, command: Reassess, case: Case, world: World) -> None:
        """Never alone, never at once, never lower by just anybody or without a word; who decides has buttons."""
        was, now = before.assessed, case.assessed
        assert now.required not in ("auto", "notify")
        assert now.stages
        if asked(was) == asked(now):
            assert case.approvals in (before.approvals, ())
        else:
            assert (case.approvals, case.stage) == ((), 0)
        if TIERS.index(now.tier) < TIERS.index(was.tier) or len(now.stages) < len(was.stages):
            approvers = {was.route.role, *was.stages[-1].roles, "support_lead"}
            assert world.people.roles_of(command.user) & approvers
            assert command.reason.strip()
        channels = {world.policy.roles[role].channel for role in (now.route.role, *now.stages[-1].roles)}
        deciding = {p.queue for p in case.packets if p.can_decide}
        assert world.policy.roles[now.route.role].channel in deciding
        assert not {p.queue for p in case.packets if not p.can_decide and p.kind != "signoff"} & channels

    def as_the_page_says(self, before: Case | None, command: AnyCommand, outcome: Outcome) -> None:
        """docs/state-machine.md leaves nothing out."""
        flow = case_flows()[type(command).__name__]
        assert {e.type for e in outcome.events} <= flow.events
        assert {type(p.effect).__name__ for p in outcome.effects} <= flow.effects | {"Callback"}
        assert outcome.case.state in {*flow.states, *([before.state] if before else [])}

    def shown(self, case: Case, packet: Packet) -> Any:
        key = (case.id, case.version, packet.key, id(self.people))
        if key not in self.pictures:
            around = surroundings_of(self.policies[case.id], people_for(case, self.people))
            self.pictures[key] = (packet_message(case, packet, around), self.people)
        return self.pictures[key][0]

    # --- what rules draw from ------------------------------------------------------------------------------------

    def new_id(self) -> str:
        return f"c_{len(self.cases) + 1:08}"

    def pick(self, data: st.DataObject, options: Sequence[_T]) -> _T:
        return data.draw(st.sampled_from(options))

    def some_case(self, data: st.DataObject) -> Case:
        likely = self.standing or list(self.cases.values())[-1]
        return self.cases[self.pick(data, [*[likely.id] * 12, *self.cases])]

    def click(self, data: st.DataObject, case: Case) -> dict[str, Any]:
        """Who can act, who acted already, who asked for it, who holds a further role, and who has no business here."""
        people = people_for(case, self.people)
        able = [p.user_id for p in eligible(case, people)] if case.current_stage else []
        tempted = [a.user for a in case.approvals] + [d.author_id for d in case.drafts if d.author_id]
        if (submitted := case.submitted_by) is not None:
            tempted += [u for u, p in self.people.persons.items() if p.email == submitted.email] or ["UAGENT1"]
        tempted += [u for role in roles_at(case, case.stage) for u in sorted(people.roles.get(role, ()))]
        if case.claim:
            able += [case.claim.user] * 3
        tempted += [user for d in self.people.deputies for user in (d.to, d.of)]
        groups = [g for g in (able, able, able, tempted, tempted, USERS, STRANGERS) if g]
        seen = self.pick(data, [*[case.request_hash] * 20, *self.seen[-4:]])
        return {"case_id": case.id, "user": self.pick(data, self.pick(data, groups)), "seen": seen}

    # --- what always holds ---------------------------------------------------------------------------------------

    @invariant()
    def every_refusal_says_why(self) -> None:
        assert all(r.code and r.sentence[-1] in '.!?"' for r in self.refusals)
        self.refusals.clear()

    @invariant()
    def every_case_is_sound(self) -> None:
        assert sum(c.state in OPEN_STATES for c in self.cases.values()) <= 1
        for case in [self.cases[c] for c in sorted(self.changed) if c in self.cases]:
            kinds = {t.kind for t in case.timers}
            ends = [t.due_at for t in case.timers if t.kind == "claim"]
            assert ends == ([case.claim.until] if case.claim else [])
            assert "role" not in kinds or case.state in ("pending", "awaiting_signoff", "blocked")
            kinds -= {"claim", "role"}
            assert case.claim is None or case.state in ("pending", "awaiting_signoff", "blocked")
            if case.state == "received":
                assert kinds == {"model"}
                assert case.asking
                assert not case.packets
            elif case.state in ("pending", "awaiting_signoff", "blocked"):
                assert "expire" in kinds
                assert "send" not in kinds
                assert case.packets
            else:
                assert kinds == ({"send"} if case.state == "approved" else set())
            if case.state in ("failed", "indeterminate"):
                assert case.packets, "nobody could see the trouble"
            for packet in case.packets:
                assert not packet.folded or (packet.kind == "packet" and packet.digest and not packet.ts)
                assert not packet.folded or case.assessed.tier == "low", "what is not low risk waits in a list"
                assert not packet.folded or case.state != "blocked"
                assert not any(p.parent == packet.key for p in case.packets) or not packet.folded
            self.buttons_are_true(case)
            assert self.witnesses[case.id].arrived <= 1, "the customer got the same case's reply twice"
            for bounded in (case.notes, case.drafts, case.escalations, case.fired, case.messages):
                assert len(bounded) <= 200
        self.changed.clear()

    def buttons_are_true(self, case: Case) -> None:
        """Those who could act have a button in their channel; nobody has one for what cannot be done."""
        signoffs = [p for p in case.packets if p.kind == "signoff" and p.can_decide]
        if case.is_final:
            again = {"cs:reopen"} if case.state == "expired" else set()
            assert {b for p in case.packets for b in self.buttons(case, p)} <= {"cs:history"} | again
        if case.state != "awaiting_signoff":
            assert not signoffs
            return
        asked = {p.queue for p in signoffs if {"cs:signoff", "cs:decline"} <= self.buttons(case, p)}
        policy = self.policies[case.id]
        case = replace(case, claim=None)  # others have their buttons too, and are told to wait
        world = World(now=self.now, policy=policy, active=policy, people=self.people)
        for user in USERS:
            try:
                decide(case, SignOff(case_id=case.id, user=user, seen=case.request_hash), world)
            except Refused:
                continue
            held = acting_roles(user, people_for(case, self.people))
            assert asked & {policy.roles[role].channel for role in held}, f"{user} has no button"

    def buttons(self, case: Case, packet: Packet) -> set[str]:
        actions = [b for b in self.shown(case, packet).blocks if b["type"] == "actions"]
        return {e["action_id"] for b in actions for e in b["elements"]}
