"""The people of the replay: whoever sees a button that is theirs to press presses it, as a browser would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.sandbox.delivery import DeliveryResult
from app.sandbox.model import Message, View
from app.sandbox.server import Sandbox

Json = dict[str, Any]
INPUT = 3_000
DECIDES = ("cs:approve", "cs:edit", "cs:write", "cs:signoff")
ADDED = "\n\nIf anything is missing here, write back on this ticket."
EDIT_EVERY = 7  # every so many cases a person edits where Approve would do


@dataclass
class Plan:
    """One case as its reviewers treat it. `approved` is the text that the last person to touch it wanted sent."""

    number: int
    ticket: str
    draft: str
    approved: str = ""
    kind: str = ""
    acted: list[str] = field(default_factory=list)
    opened: bool = False  # out of a digest

    @property
    def own_words(self) -> str:
        return (
            f"Thank you for writing to us. I have read your message and am looking into it now; you will get an answer "
            f"on this ticket ({self.ticket})."
        )


class People:
    """`look` lets them act on what is new; `problems` says what they could not do."""

    def __init__(self, sandbox: Sandbox, settle: Callable[[], None], plans: Mapping[str, Plan]) -> None:
        self.sandbox = sandbox
        self.workspace = sandbox.workspace
        self.settle = settle
        self.plans = plans
        self.problems: list[str] = []
        self.acks: list[float] = []
        self._seen: dict[str, int] = {}
        self._rev = -1

    def look(self) -> bool:
        """Act on messages that came since; True if anybody did something."""
        if self.workspace.rev == self._rev:
            return False
        self._rev = self.workspace.rev
        acted = False
        for channel in list(self.workspace.channels):
            messages = self.workspace.everything(channel)
            for message in messages[self._seen.get(channel, 0) :]:
                acted |= self._act(message)
            self._seen[channel] = len(messages)
            for message in messages:
                acted |= self._open_lines(message)
        return acted

    def look_again(self) -> bool:
        """Act on anything that can still be pressed, old messages included."""
        self._seen.clear()
        self._rev = -1
        return self.look()

    def live_buttons(self) -> list[str]:
        """Decision buttons still shown anywhere: `channel action case`."""
        found = []
        for channel in self.workspace.channels.values():
            for message in self.workspace.everything(channel.id):
                if message.deleted or message.ephemeral_to is not None:
                    continue
                buttons = buttons_of(message)
                found += [f"#{channel.name} {a} {_case_of(buttons[a])}" for a in DECIDES if a in buttons]
        return found

    # --- deciding ------------------------------------------------------------------------------------------------

    def _act(self, message: Message) -> bool:
        if message.ephemeral_to is not None or message.deleted:
            return False
        buttons = buttons_of(message)
        action = next((a for a in ("cs:signoff", "cs:approve", "cs:edit", "cs:write") if a in buttons), None)
        if action is None:
            return False
        plan = self.plans.get(_case_of(buttons[action]))
        if plan is None or (plan.acted and action != "cs:signoff"):
            return False
        person = self._somebody(message.channel, plan)
        if person is None:
            self.problems.append(f"{plan.ticket}: nobody is left for {action}")
            return False
        if action == "cs:approve" and "cs:edit" in buttons and plan.number % EDIT_EVERY == 0:
            action = "cs:edit"
        plan.acted.append(person)
        self._click(person, message, action, plan)
        return True

    def _open_lines(self, message: Message) -> bool:
        """Of a digest: each line's Open, once; its packet comes as any other."""
        if message.ephemeral_to is not None or message.deleted:
            return False
        opened = False
        for block in message.blocks:
            line = block.get("accessory") or {}
            plan = self.plans.get(_case_of(line)) if line.get("action_id") == "cs:unfold" else None
            if plan is None or plan.opened or (person := self._somebody(message.channel, plan)) is None:
                continue
            plan.opened = opened = True
            delivery = self.sandbox.delivery
            result = delivery.click(
                person, message.channel, message.ts, action_id="cs:unfold", block_id=block["block_id"]
            )
            self._note(result, plan, "cs:unfold")
            self.settle()
        return opened

    def _somebody(self, channel: str, plan: Plan) -> str | None:
        name = self.workspace.channels[channel].name
        members = [u for g in self.workspace.groups.values() if g.channel == name for u in g.users]
        free = [u for u in dict.fromkeys(members) if u not in plan.acted]
        return free[plan.number % len(free)] if free else None

    def _click(self, person: str, message: Message, action: str, plan: Plan) -> None:
        delivery = self.sandbox.delivery
        result = delivery.click(person, message.channel, message.ts, action_id=action)
        self._note(result, plan, action)
        self.settle()
        open_views = self.workspace.views.stack(person)
        if action == "cs:signoff":
            return
        if not open_views:
            plan.kind, plan.approved = "approve", plan.draft
            if action != "cs:approve":
                self.problems.append(f"{plan.ticket}: {action} opened no form: {self._told(person, message.channel)}")
            return
        self._fill(person, open_views[-1], action, plan)

    def _fill(self, person: str, view: View, action: str, plan: Plan) -> None:
        """Fill in what the form asks for; where a guardrail refuses the text, put it in one's own words."""
        texts = [b["block_id"] for b in view.blocks if b["type"] == "input" and b["block_id"].startswith("text")]
        plan.kind = "approve" if not texts else "write" if action == "cs:write" else "edit"
        first = plan.own_words if action == "cs:write" else plan.draft + ADDED
        for text in [first, plan.own_words] if texts else [plan.draft]:
            state = self.sandbox.delivery.open_state(view.id)
            _type(state, texts, text)
            _tick(state, view)
            result = self.sandbox.delivery.submit_view(person, view.id, state)
            self._note(result, plan, action)
            self.settle()
            if result.response_action != "errors":
                break
        plan.approved = text
        if not result.ok or result.response_action:
            words = result.errors or [b for b in view.blocks if b["type"] == "rich_text"][:1]
            self.problems.append(f"{plan.ticket}: {view.body.get('callback_id')} was not taken: {words}")
        self.workspace.views.clear(person)

    def _note(self, result: DeliveryResult, plan: Plan, action: str) -> None:
        self.acks.append(result.ack.elapsed)
        if result.error:
            self.problems.append(f"{plan.ticket}: {action}: {result.error}")

    def _told(self, person: str, channel: str) -> str:
        private = [m for m in self.workspace.everything(channel) if m.ephemeral_to == person]
        return private[-1].text if private else "nothing was said"


def buttons_of(message: Message) -> dict[str, Json]:
    """Buttons of a message as it is now, by action id."""
    return {
        element["action_id"]: element
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
        if element["type"] == "button"
    }


def _case_of(button: Json) -> str:
    return str(json.loads(button.get("value") or "{}").get("c", ""))


def _type(state: dict[str, dict[str, Json]], blocks: list[str], text: str) -> None:
    """The text over the inputs in order, each filled to Slack's limit; what is left over goes nowhere."""
    parts = [text[i : i + INPUT] for i in range(0, len(text), INPUT)]
    for number, block in enumerate(blocks):
        state[block]["value"]["value"] = parts[number] if number < len(parts) else None


def _tick(state: dict[str, dict[str, Json]], view: View) -> None:
    for block in view.blocks:
        if block["type"] == "input" and block["element"]["type"] == "checkboxes":
            state[block["block_id"]]["value"]["selected_options"] = block["element"]["options"]
