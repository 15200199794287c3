"""Reviewing what a policy would let go: what must never go without a person, who is asked, and where no rule speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from app.core.assessment import Assessment, Stage
from app.core.policy.facts import fold
from app.core.policy.grid import UNKNOWN, Spot, grid, look, without_baseline
from app.core.policy.model import Policy
from app.core.policy.money import REFUND
from app.core.policy.remarks import Remark, listed
from app.core.stages import needed

FILE = "risk.yaml"
# RI4: a person, whatever the confidence and whatever the file says.
INTENTS = frozenset({"legal_question", "regulatory", "billing_dispute", "chargeback", "security_incident"})
ACTIONS = frozenset({"legal_commitment", "chargeback", "security_change"})
BOTH = frozenset({"account_closure", "cancellation", "order_cancellation"})
_PEOPLE = {
    "approve": "a person approves",
    "edit": "a person edits the reply",
    "write": "a person writes the reply",
    "sign_off": "two people decide",
    "auto": "it goes by itself",
    "notify": "it goes, and the channel is told",
}


def review_grid(policy: Policy) -> Iterator[Remark]:
    spots = tuple(grid(policy))
    yield from _must_not_go(policy, spots)
    yield from _signatures(spots)
    yield from _blind(policy, spots)
    yield from _goes_alone(policy, spots)
    yield from _gaps(policy)
    yield from _money_gaps(policy)


def _must_not_go(policy: Policy, spots: Iterable[Spot]) -> Iterator[Remark]:
    said: dict[str, Remark] = {}

    def error(key: str, spot: Spot, why: str, hint: str) -> None:
        text = f"{_spell(spot)} would go without a person: {why}."
        said.setdefault(f"{key} {why}", Remark(level="error", file=FILE, key=key, message=text, hint=hint))

    for spot in spots:
        if not spot.alone:
            continue
        for table, name, always, topics in (
            ("intents", spot.intent, INTENTS | BOTH, policy.risk.intents),
            ("actions", spot.action, ACTIONS | BOTH, policy.risk.actions),
        ):
            if name in topics and (name in always or topics[name].always_human):
                error(f"{table}.{name}", spot, "this topic always needs one", "set always_human: true")
        if spot.assessment.tier == "high":
            key = f"actions.{spot.action}" if spot.action else f"intents.{spot.intent}"
            error(key, spot, "its tier is high", "let a rule under handling ask for person: sign_off at high tier")
        if spot.shape in ("irreversible", "bulk"):
            error("rules", spot, f"the action is {spot.shape}", f"add a rule for action.{spot.shape}")
        elif spot.shape != "plain":
            error("rules", spot, f"{spot.shape} is never for the AI alone", "add a rule that asks for a person")
    yield from said.values()


def _signatures(spots: Iterable[Spot]) -> Iterator[Remark]:
    said: set[tuple[str, ...]] = set()
    for spot in spots:
        stages = spot.assessment.stages
        ids = tuple(stage.id for stage in stages)
        if spot.assessment.required == "sign_off" and sum(map(needed, stages)) < 2 and ids not in said:
            said.add(ids)
            text = f"{_spell(spot)} needs a sign-off, but only one person is asked (stage {listed(ids)})."
            hint = "add a second stage whose condition holds for it"
            yield Remark(level="warning", file=FILE, key="stages", message=text, hint=hint)


def _blind(policy: Policy, spots: Iterable[Spot]) -> Iterator[Remark]:
    """Roles of a first step that no packet reaches: a later step is asked for in its own role's channel."""
    said: set[tuple[str, str]] = set()
    for spot in spots:
        assessment = spot.assessment
        first = assessment.stages[0] if assessment.stages else None
        for role in _unseen(policy, assessment, first) if first else ():
            if first and (first.id, role) not in said:
                said.add((first.id, role))
                text = (
                    f"{role} is asked first (stage {first.id}), but the packet goes to #{assessment.route.channel}"
                    f" and nothing is posted in #{policy.roles[role].channel}: {_spell(spot).lower()}, for example."
                )
                hint = f"add {role} under helpers, or ask $route first"
                yield Remark(level="warning", file=FILE, key="stages", message=text, hint=hint)


def _unseen(policy: Policy, assessment: Assessment, stage: Stage) -> tuple[str, ...]:
    shown = {assessment.route.channel, *(route.channel for route in assessment.also)}
    hidden = tuple(role for role in stage.roles if policy.roles[role].channel not in shown)
    enough = stage.mode == "any_of" and len(hidden) < len(stage.roles)
    return () if enough else hidden


def _goes_alone(policy: Policy, spots: Sequence[Spot]) -> Iterator[Remark]:
    auto = policy.risk.thresholds.auto
    now = "as soon as baseline mode ends" if policy.baseline else "now, since baseline mode is off"
    for required, how in (("auto", "by themselves"), ("notify", "and the channel is told")):
        found = [s for s in spots if s.assessment.required == required and s.shape == "plain"]
        if found:
            segments = dict.fromkeys(spot.segment for spot in found)
            text = (
                f"Replies about {_together(found)} go {how}, {now}: for {listed(segments)} accounts, from a draft"
                f" confidence of {max(auto.auto_from, auto.person_below):.2f}, when nothing else asks for a person."
            )
            yield Remark(level="info", file=FILE, key="thresholds.auto", message=text)
    if not any(spot.alone for spot in spots):
        text = "Nothing can go without a person, with or without baseline mode."
        yield Remark(level="info", file=FILE, key="thresholds.auto", message=text)


def _gaps(policy: Policy) -> Iterator[Remark]:
    ended = without_baseline(policy)
    segment = next(iter(policy.risk.thresholds.auto.segments), "standard")
    harmless = next(
        (n for n, topic in policy.risk.intents.items() if topic.tier == "low"), next(iter(policy.risk.intents))
    )
    for key, what, spot in (
        ("intents", "An intent that is not listed", look(ended, UNKNOWN, "", segment)),
        ("intents", "A message nobody could tell the intent of", look(ended, "", "", segment)),
        ("actions", "An action that is not listed", look(ended, harmless, UNKNOWN, segment)),
    ):
        says = spot.assessment
        text = f"{what} counts as {says.tier}, {_PEOPLE[says.required]}, and it goes to #{says.route.channel}."
        yield Remark(level="info", file=FILE, key=key, message=text)
    silent = [c for c in ("email", "chat", "web", "phone", "social", "other") if c not in policy.holding_channels]
    if silent:
        text = f"Customers who write by {listed(silent)} get no holding message while they wait."
        yield Remark(level="info", file=FILE, key="holding.channels", message=text)


def _money_gaps(policy: Policy) -> Iterator[Remark]:
    """For whom, of what and in which currency the money table says nothing: there a person decides about any amount."""
    limits = policy.risk.money_limits
    segments = dict.fromkeys(fold(limit.segment) for limit in limits)
    currencies = dict.fromkeys(money.currency for limit in limits for money in limit.above)
    if not limits:
        text = "No money limit is set: a person decides about any money."
        yield Remark(level="info", file=FILE, key="money_limits", message=text)
        return
    text = (
        f"A person decides about any money of segments other than {listed(segments)},"
        f" or in currencies other than {listed(currencies)}."
    )
    yield Remark(level="info", file=FILE, key="money_limits", message=text)
    for segment in segments:
        own = [limit for limit in limits if fold(limit.segment) == segment]
        if all(limit.of == REFUND for limit in own):
            text = f"For {segment} accounts only refunds have a limit: a person decides about any other money."
            yield Remark(level="info", file=FILE, key="money_limits", message=text)
        missing = [c for c in currencies if any(all(m.currency != c for m in limit.above) for limit in own)]
        if missing:
            text = f"For {segment} accounts no limit is set in {listed(missing)}: a person decides."
            yield Remark(level="info", file=FILE, key="money_limits", message=text)


def _together(spots: Sequence[Spot]) -> str:
    """Topics in few words where every intent goes with every action, else pair by pair."""
    intents, actions = dict.fromkeys(s.intent for s in spots), dict.fromkeys(s.action for s in spots)
    pairs = dict.fromkeys(_topic(spot) for spot in spots)
    if len(pairs) < len(intents) * len(actions):
        return listed(pairs, most=60)
    named = [action for action in actions if action]
    joined = f"with {listed(named, most=60)}" if named else ""
    if "" in actions and named:
        joined = f"without an action or {joined}"
    return f"{listed(intents, most=60)}, {joined}," if joined else listed(intents, most=60)


def _topic(spot: Spot) -> str:
    return f"{spot.intent} with {spot.action}" if spot.action else spot.intent


def _spell(spot: Spot) -> str:
    """`An irreversible refund_request with refund from a standard account`."""
    of = "" if spot.shape == "plain" else f" ({spot.shape})"
    return f"A case about {_topic(spot) or 'nothing anybody could tell'}{of} of a {spot.segment} account"
