"""Policy in Slack: what waits for sign-off, and the owners' word on it (RI9)."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import Any

from slack_bolt import Ack

from app.core.errors import Refused
from app.core.office import Candidate, DecidePolicy, Office, OfficeWorld, still_missing
from app.core.policy.backtest import Sum, backtest
from app.core.policy.diff import diff
from app.edges.listeners.forms import hidden_fields
from app.edges.listeners.shared import Desk, Payload, Target, place_of, user_of
from blocks.policy import Proposal, policy_message, policy_reason_view, short
from blocks.surface import SlackMessage

# Slack waits 3 s for the answer to a command, and a case takes about 2 ms.
MOST_TRIED = 200
TRIED_SINCE = timedelta(days=30)
_OPENS = {"cs:policy_reject": "reject", "cs:policy_back": "roll_back"}


class PolicyDesk:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def message(self) -> SlackMessage:
        with self.desk.engine.store.reading() as reader:
            office = reader.office()
        proposal = self._proposal(office.candidate) if office.candidate else None
        return policy_message(office, proposal, self.desk.surroundings())

    def _proposal(self, candidate: Candidate) -> Proposal:
        engine = self.desk.engine
        old, new = engine.policy, engine.policy_of(candidate.snapshot)
        world = OfficeWorld(now=engine.clock.now(), people=engine.people(), owners=old.owners)
        with engine.store.reading() as reader:
            cases = islice(reader.cases_since(engine.clock.now() - TRIED_SINCE), MOST_TRIED)
            total = backtest(cases, old, new, keep=0).total
        return Proposal(
            differences=[str(one) for one in diff(old.documents, new.documents)],
            figures=_figures(total),
            missing=still_missing(candidate, world),
        )

    # --- buttons and forms ---------------------------------------------------------------------------------------

    def click(self, body: Payload, action: Payload) -> None:
        user, where = user_of(body), Target(case_id="", **place_of(body))
        self.desk.get_to_know(user)
        snapshot = _snapshot_in(action.get("value"))
        action_id = str(action.get("action_id"))
        if (do := _OPENS.get(action_id)) is not None:
            view = policy_reason_view(do, snapshot, {"ch": where.channel, "ru": where.response_url})
            trigger = str(body.get("trigger_id") or "")
            self.desk.later(lambda: self.desk.slack.open_view(trigger, view))
            return
        try:
            office = self.desk.engine.decide_policy(DecidePolicy(user=user, snapshot=snapshot, do="sign"))
        except Refused as refusal:
            self.desk.whisper(user, where, refusal.sentence)
        else:
            self.desk.whisper(user, where, _outcome(office, snapshot))

    def submit(self, ack: Ack, body: Payload, reason: str) -> None:
        """The reason's form came back; a refusal stands at its field."""
        view = body["view"]
        meta = hidden_fields(view.get("private_metadata"))
        user = user_of(body)
        do: Any = "roll_back" if meta.get("do") == "roll_back" else "reject"
        command = DecidePolicy(user=user, snapshot=meta.get("s", ""), do=do, reason=reason)
        try:
            office = self.desk.engine.decide_policy(command)
        except Refused as refusal:
            ack(response_action="errors", errors={"reason": refusal.sentence})
            return
        ack()
        where = Target(case_id="", channel=meta.get("ch", ""), response_url=meta.get("ru", ""))
        self.desk.whisper(user, where, _outcome(office, meta.get("s", ""), do))


def _outcome(office: Office, snapshot: str, do: str = "sign") -> str:
    if do == "reject":
        return f"Declined. Policy {short(office.active)} stays in force."
    if do == "roll_back":
        return f"Rolled back. Policy {short(office.active)} is in force for new cases."
    if office.active == snapshot:
        return f"Signed. Policy {short(snapshot)} is in force for new cases; open ones keep theirs."
    return "Your signature is recorded. It comes into force once everybody needed has signed."


def _figures(total: Sum) -> list[str]:
    """What the owners look at first."""
    if not total.cases:
        return ["There are no cases of the last 30 days to try it on."]
    before, after = (f"{share:.0%}" for share in total.share_automatic())
    found = [
        f"{total.changed} of {total.cases} cases would go another way; "
        f"{total.stricter} more strictly, {total.looser} less",
        f"without a person: {before} before, {after} after ({total.newly_automatic} newly)",
    ]
    found += [f"#{name}: {was} cases before, {now} after" for name, (was, now) in total.load.items() if was != now]
    return found + [f"{what}: {count}" for what, count in islice(total.by_change.items(), 5)]


def _snapshot_in(value: object) -> str:
    return hidden_fields(value).get("s", "")[:64]
