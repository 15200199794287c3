"""A population that clicks: mostly the right people on live buttons, often the wrong ones on old or forged ones."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Literal

import msgspec

from app.core.case import Case
from app.core.effects import Click
from app.core.messages import (
    Approve,
    ClaimCase,
    Decline,
    Edit,
    OverrideGuardrail,
    PersonCommand,
    RecordView,
    Reject,
    ReleaseCase,
    Reopen,
    SettleDelivery,
    SignOff,
    Undo,
    UnfoldPacket,
    WriteReply,
)
from app.edges.listeners.shared import Target, read_target
from tests.make import DEFAULT_ROLES, channel_id
from tests.sim.directory import AT_FIRST, human
from tests.sim.lending import LOOKED_UP, Lending
from tests.sim.policies import PROMISE
from tests.sim.world import Button, World, buttons_of

DECIDING = frozenset({"cs:approve", "cs:edit", "cs:reject", "cs:write", "cs:signoff", "cs:decline"})
SETTLING = frozenset({"cs:settle_sent", "cs:settle_resend"})
AROUND = frozenset({"cs:claim", "cs:release", "cs:override", "cs:unfold"})
LIVE = DECIDING | SETTLING | AROUND
_LIKELY = {
    "cs:approve": 6.0,
    "cs:signoff": 20.0,
    "cs:write": 5.0,
    "cs:edit": 1.5,
    "cs:reject": 0.7,
    "cs:decline": 6.0,
    "cs:settle_sent": 2.0,
    "cs:settle_resend": 2.0,
    "cs:claim": 1.0,
    "cs:release": 0.5,
    "cs:override": 6.0,
    "cs:unfold": 4.0,
}
# What brings a case forward, the best first.
_FORWARD = ("cs:settle_sent", "cs:settle_resend", "cs:signoff", "cs:approve", "cs:override", "cs:write", "cs:unfold")
_OPENS: dict[str, Literal["edit", "reject", "write", "decline", "override", "history", "withheld_draft"]] = {
    "cs:edit": "edit",
    "cs:reject": "reject",
    "cs:write": "write",
    "cs:decline": "decline",
    "cs:override": "override",
    "cs:history": "history",
    "cs:withheld": "withheld_draft",
}
_ROLE_OF = {channel_id(channel): role for role, (_, channel) in reversed(list(DEFAULT_ROLES.items()))}
_ROLE_OF["account-owners"] = LOOKED_UP
OUTSIDERS = ("UGUEST", "UBOT", "UNOBODY", "UCRM1")
BLOCKED_TEXT = "We have issued a refund of 240 EUR to your card."

Do = Callable[[PersonCommand], Case | None]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """An open modal: submitted sooner or later, or never."""

    kind: str
    target: Target
    user: str


class Crowd:
    """`do` hands a command to some replica: the case if it was accepted, else None."""

    def __init__(self, world: World, lending: Lending, look: Callable[[str], Case | None], do: Do) -> None:
        self.world = world
        self.lending = lending
        self.directory = lending.directory
        self.look = look
        self.do = do
        self.forms: list[Form] = []
        self.undos: list[tuple[str, Target]] = []
        self.last_user: dict[str, str] = {}
        self._texts = 0

    # --- what they click on --------------------------------------------------------------------------------------

    def click_live(self, random: Random) -> None:
        """Some deciding button of some case, by whoever comes along; View history where there is none."""
        by_case = self.live()
        if by_case:
            buttons = by_case[random.choice(list(by_case))]
            self.click(random, random.choices(buttons, [_LIKELY.get(b.action_id, 0.2) for b in buttons])[0])
        elif random.random() < 0.1 and self.world.buttons:
            self.click(random, random.choice(self.world.buttons))

    def click_right(self, random: Random) -> None:
        """Somebody of the role, who had no part in the case yet, does what brings it forward."""
        by_case = self.live()
        if not by_case:
            return
        buttons = by_case[random.choice(list(by_case))]
        button = min(buttons, key=lambda b: _FORWARD.index(b.action_id) if b.action_id in _FORWARD else 9)
        target = read_target(button.value)
        if target is not None:
            members = self._members(random, self._role_for(random, button, target), target.case_id)
            fresh = [user for user in members if user != self.last_user.get(target.case_id)]
            self.click(random, button, random.choice(fresh or members))

    def live(self) -> dict[str, list[Button]]:
        """The buttons by which a case goes on that Slack shows now, by case."""
        found: dict[str, list[Button]] = {}
        for message in self.world.messages.values():
            for button in buttons_of(message) if message.channel not in self.world.losses.archived else ():
                target = read_target(button.value)
                if button.action_id in LIVE and target is not None:
                    found.setdefault(target.case_id, []).append(button)
        return found

    def click_old(self, random: Random) -> None:
        """A button as it once was: the message may show others by now."""
        old = [b for b in self.world.buttons if b.action_id in LIVE]
        self.click(random, random.choice(old) if old else None)

    def click_forged(self, random: Random) -> None:
        """A value nobody ever gave out."""
        if not self.world.buttons:
            return
        button = random.choice(self.world.buttons)
        other = random.choice(self.world.buttons)
        target = read_target(button.value)
        wrong = read_target(other.value)
        if target is None or wrong is None:
            return
        fields = {
            "c": random.choice((target.case_id, wrong.case_id, "c_nobody")),
            "h": random.choice((wrong.seen, "0" * 64, "")),
            "p": random.choice((target.packet, "p99")),
            "d": random.choice((f"{target.case_id}-1", f"{target.case_id}-{random.randrange(40)}")),
        }
        action_id = random.choice(sorted(LIVE))
        forged = msgspec.structs.replace(button, action_id=action_id, value=msgspec.json.encode(fields).decode())
        self.click(random, forged)

    def click_undo(self, random: Random) -> None:
        """The Undo of a private notice, mostly by who got it."""
        if not self.undos:
            return
        user, target = random.choice(self.undos[-3:])
        if random.random() < 0.2:
            user = self._somebody(random, target.case_id, "")
        self.do(Undo(case_id=target.case_id, user=user, seen=target.seen))

    def click_reopen(self, random: Random) -> None:
        """Of a case that expired, mostly by who could have decided it."""
        shown = [b for m in self.world.messages.values() for b in buttons_of(m) if b.action_id == "cs:reopen"]
        if shown:
            self.click(random, random.choice(shown))

    def click_together(self, random: Random) -> None:
        """Two people do the same before either has an answer, about the text that both saw."""
        by_case = self.live()
        if not by_case:
            return
        button = random.choice(by_case[random.choice(list(by_case))])
        target = read_target(button.value)
        case = self.look(target.case_id) if target is not None else None
        if target is None or case is None or case.assessment is None:
            return
        target = msgspec.structs.replace(target, channel=button.channel, ts=button.ts)
        ticked = case.assessment.checklist
        for _ in range(2):
            who = common(target, self._somebody(random, target.case_id, button.channel))
            match button.action_id:
                case "cs:approve":
                    self._decide(random, Approve(**who, checklist=ticked))
                case "cs:signoff":
                    self._decide(random, SignOff(**who))
                case "cs:write" | "cs:edit":
                    self._decide(random, WriteReply(**who, text=self._text(random, case), checklist=ticked))
                case "cs:override":
                    self.do(OverrideGuardrail(**who, reason="Both of us say so."))
                case "cs:claim":
                    self.do(ClaimCase(**who))
                case "cs:unfold":
                    self.do(UnfoldPacket(**who, packet=target.packet))
                case "cs:reject":
                    self._decide(random, Reject(**who, category="tone", text="No.", then="hand_back"))

    def decide(self, random: Random, case: Case, user: str) -> None:
        """Somebody says yes to a case as it is now, or writes the reply where there is nothing to say yes to."""
        self.last_user[case.id] = user
        who = common(Target(case_id=case.id, seen=case.request_hash), user)
        ticked = case.assessed.checklist
        if case.state == "awaiting_signoff":
            self._decide(random, SignOff(**who))
        elif case.sendable_draft is None or case.assessed.must_edit:
            self._decide(random, WriteReply(**who, text=self._text(random, case), checklist=ticked))
        else:
            self._decide(random, Approve(**who, checklist=ticked))

    def submit_form(self, random: Random) -> None:
        if self.forms:
            self._submit(random, self.forms.pop(random.randrange(len(self.forms))))

    def settle_all(self, random: Random) -> None:
        """At the end somebody looks at every ticket that is in doubt, and says what is there."""
        for message in list(self.world.messages.values()):
            for button in buttons_of(message):
                target = read_target(button.value)
                if button.action_id in SETTLING and target is not None:
                    self._settle(random, button.action_id, target, "ULEAD1", mistaken=0.0)

    # --- what follows --------------------------------------------------------------------------------------------

    def click(self, random: Random, button: Button | None, user: str = "") -> None:
        target = read_target(button.value) if button else None
        if button is None or target is None:
            return
        target = msgspec.structs.replace(target, channel=button.channel, ts=button.ts)
        user = user or self._somebody(random, target.case_id, button.channel)
        self.last_user[target.case_id] = user
        if button.action_id in SETTLING:
            self._settle(random, button.action_id, target, user, mistaken=0.1)
        elif button.action_id == "cs:approve":
            self._approve(random, target, user)
        elif button.action_id == "cs:signoff":
            self._decide(random, SignOff(**common(target, user)))
        elif button.action_id == "cs:claim":
            self.do(ClaimCase(**common(target, user)))
        elif button.action_id == "cs:release":
            self.do(ReleaseCase(**common(target, user)))
        elif button.action_id == "cs:unfold":
            self.do(UnfoldPacket(**common(target, user), packet=target.packet))
        elif button.action_id == "cs:reopen":
            self.do(Reopen(**common(target, user)))
        elif button.action_id in _OPENS:
            self._open(random, target, user, _OPENS[button.action_id])

    def _somebody(self, random: Random, case_id: str, channel: str) -> str:
        members = self._members(random, _ROLE_OF.get(channel, "support_agent"), case_id)
        draw = random.random()
        beside = [lent.to for lent in self.lending.all if human(lent.of) == human(self.last_user.get(case_id, ""))]
        if beside and draw < 0.3:
            return random.choice(beside)
        if draw < 0.55:
            return random.choice(members)
        if draw < 0.72:
            return self.last_user.get(case_id) or random.choice(members)
        if draw < 0.84:
            return random.choice(("UAGENT1", "UAGENT1B"))
        if draw < 0.9:
            return random.choice(OUTSIDERS)
        return random.choice(sorted(AT_FIRST.persons))

    def _members(self, random: Random, role: str, case_id: str) -> list[str]:
        """Of the role as it is, or as it once was, or their deputies: not everybody knows that they are out."""
        deputies = self.lending.deputies(role)
        if deputies and random.random() < 0.3:
            return deputies
        if role == LOOKED_UP:
            case = self.look(case_id)
            named = [user for answer in case.resolved for user in answer.users] if case else []
            return named or sorted(AT_FIRST.roles["specialist"])
        now = sorted(self.directory.now.roles[role])
        return now if now and random.random() < 0.75 else sorted(AT_FIRST.roles[role])

    def _role_for(self, random: Random, button: Button, target: Target) -> str:
        if button.action_id == "cs:override":
            return random.choice(("support_lead", "billing_approver"))
        return self.role_of(button, target.case_id)

    def role_of(self, button: Button, case_id: str) -> str:
        """Of the packet, wherever it stands by now."""
        case, target = self.look(case_id), read_target(button.value)
        packet = case.packet(target.packet) if case and target else None
        return packet.role if packet else _ROLE_OF.get(button.channel, "support_agent")

    def _approve(self, random: Random, target: Target, user: str) -> None:
        """One click, or the modal with the checklist, as the listener decides."""
        case = self.look(target.case_id)
        if case is not None and case.assessment and (case.assessment.checklist or case.assessment.must_edit):
            self._open(random, target, user, "approve")
        else:
            self._decide(random, Approve(**common(target, user)))

    def _open(self, random: Random, target: Target, user: str, what: Any) -> None:
        if self.do(RecordView(**common(target, user), what=what)) is None and random.random() < 0.8:
            return
        form = Form(kind=what, target=target, user=user)
        if random.random() < 0.25:
            self.forms.append(form)
        else:
            self._submit(random, form)

    def _submit(self, random: Random, form: Form) -> None:
        who: dict[str, Any] = common(form.target, form.user)
        case = self.look(form.target.case_id)
        items = case.assessment.checklist if case and case.assessment else ()
        ticked = items if random.random() < 0.9 else items[:1]
        must_edit = bool(case and case.assessment and case.assessment.must_edit and case.draft)
        ai_text = bool(case and case.draft and case.draft.author == "ai")
        match form.kind:
            case "approve" if not (must_edit and ai_text):
                self._decide(random, Approve(**who, checklist=ticked))
            case "approve" | "edit":
                self._decide(random, Edit(**who, text=self._text(random, case), checklist=ticked))
            case "write":
                self._decide(random, WriteReply(**who, text=self._text(random, case), checklist=ticked))
            case "reject":
                then: Any = random.choice(("redraft", "write", "hand_back"))
                self._decide(random, Reject(**who, category="tone", text="Not like this.", then=then))
            case "decline":
                self._decide(random, Decline(**who, reason=random.choice(("The amount is wrong.", ""))))
            case "override":
                self.do(OverrideGuardrail(**who, reason="Finance confirmed it on the phone."))

    def _text(self, random: Random, case: Case | None) -> str:
        draw = random.random()
        if draw < 0.06:
            return BLOCKED_TEXT
        if draw < 0.12 and case and case.draft:
            return case.draft.text
        self._texts += 1
        if draw < 0.27:
            return f"Your parcel {self._texts} {PROMISE}, says the carrier."
        return f"Thank you for writing. We looked into it and answer point {self._texts} in full on Monday."

    def _decide(self, random: Random, command: PersonCommand) -> None:
        """Slack delivers some clicks twice."""
        for _ in range(2 if random.random() < 0.12 else 1):
            case = self.do(command)
            if case is not None and case.state == "approved":
                self.undos.append((command.user, Target(case_id=case.id, seen=case.request_hash)))

    def _settle(self, random: Random, action_id: str, target: Target, user: str, *, mistaken: float) -> None:
        """They look at the ticket first; some look at the wrong one."""
        arrived = bool(self.world.of(target.case_id, "reply"))
        if random.random() < mistaken:
            arrived = action_id == "cs:settle_sent" and arrived
        self.do(SettleDelivery(**common(target, user), delivery=target.delivery, arrived=arrived))


def common(target: Target, user: str) -> dict[str, Any]:
    click = Click(trigger="t", channel=target.channel, ts=target.ts)
    return {"case_id": target.case_id, "user": user, "seen": target.seen, "click": click}
