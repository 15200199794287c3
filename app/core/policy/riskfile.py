"""The shape of risk.yaml. The published JSON Schema is made from these types, so the two cannot part.

The text in `description` is what an editor shows the file's owner.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import Meta, field

from app.core.assessment import TIERS, AiMode, Tier
from app.core.policy.documents import Duration, FileStruct, Link, Name, Sentence

Condition = Annotated[str, Meta(min_length=1, max_length=2000, description="A CEL expression, true or false")]
Identifier = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$", max_length=80)]
Share = Annotated[float, Meta(ge=0, le=1)]
Label = Annotated[str, Meta(min_length=1, max_length=80)]
# A role of roles.yaml, or $route: the role that the case went to.
StepRole = Annotated[str, Meta(pattern=r"^(\$route|[a-z][a-z0-9_]*)$", max_length=80)]
# Or backup / manager: what roles.yaml says of the role that the case went to.
RungRole = Annotated[str, Meta(pattern=r"^(\$route|[a-z][a-z0-9_]*)$", max_length=80)]
Person = Literal["approve", "edit", "write", "sign_off"]
ActionClass = Literal["auto", "notify", "approve"]
LadderName = Literal["internal", "standard", "urgent"]
Outcome = Literal["approved", "edited", "rejected", "auto", "notified", "expired", "withdrawn", "superseded", "failed"]


class Money(FileStruct, frozen=True, kw_only=True):
    amount: Annotated[float, Meta(ge=0)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class HighBand(FileStruct, frozen=True, kw_only=True):
    intent: Share
    sentiment: Share


class LowBand(FileStruct, frozen=True, kw_only=True):
    intent: Share


class Bands(FileStruct, frozen=True, kw_only=True):
    high: Annotated[HighBand, Meta(description="High: both confidences reach these")]
    low: Annotated[LowBand, Meta(description="Low: the intent's confidence is below this, or there is no intent")]


class Auto(FileStruct, frozen=True, kw_only=True):
    person_below: Annotated[
        float, Meta(ge=0.85, le=1, description="A draft less confident than this always goes to a person")
    ]
    auto_from: Annotated[
        float, Meta(ge=0.9, le=1, description="From here on a reply may go by itself if nothing else objects")
    ]
    segments: Annotated[list[Label], Meta(description="Customer segments that may get replies by themselves")]


class Thresholds(FileStruct, frozen=True, kw_only=True):
    band: Bands
    auto: Auto


class MoneyLimit(FileStruct, frozen=True, kw_only=True):
    """Above it a person decides. A segment or a currency without a limit always goes to a person."""

    segment: Label
    of: Literal["refund", "any"]
    above: Annotated[list[Money], Meta(min_length=1, description="One line a currency")]


class Topic(FileStruct, frozen=True, kw_only=True):
    """What follows from an intent or from an action's type."""

    title: Annotated[str, Meta(min_length=1, max_length=120, description="In a sentence: This is about {title}.")]
    tier: Tier
    action_class: Annotated[
        ActionClass,
        Meta(description="auto: may go by itself; notify: goes, and the channel is told; approve: a person"),
    ] = "approve"
    always_human: Annotated[bool, Meta(description="A person decides, however sure the AI is")] = False
    route: Annotated[Name | None, Meta(description="Leaves the first queue for this role")] = None
    money: Annotated[bool, Meta(description="Moves money: the money limits apply")] = False
    small_refund: Annotated[bool, Meta(description="Set aside for what unsafe_small_refund_auto exempts")] = False
    guidance: Annotated[str, Meta(max_length=1000)] = ""
    link: Link = ""


class Raises(FileStruct, frozen=True, kw_only=True):
    """What a rule asks for. Of all rules that fire the strictest counts; a rule can only raise."""

    tier: Tier | None = None
    ai_mode: AiMode | None = None
    person: Annotated[
        Person | None,
        Meta(description="approve: a person; edit: must change the AI's text; write: writes it; sign_off: two people"),
    ] = None
    checklist: Annotated[bool, Meta(description="The approver ticks the whole checklist")] = False
    confirm: Annotated[bool, Meta(description="Approve asks 'are you sure', instead of the send delay")] = False
    route: Name | None = None
    ladder: LadderName | None = None
    escalate: Annotated[
        Literal["rule", "guidance"] | None,
        Meta(description="Counts as an escalation: rule = by policy, guidance = by a classifier or a prediction"),
    ] = None


class Rule(FileStruct, frozen=True, kw_only=True):
    id: Identifier
    when: Condition
    reason: Annotated[
        Sentence,
        Meta(description="Your words, shown to who decides. {action.amount} and the like stand for a fact"),
    ]
    raises: Raises
    small_refund: Annotated[bool, Meta(description="Set aside for what unsafe_small_refund_auto exempts")] = False
    guidance: Annotated[str, Meta(max_length=1000, description="What the reader should do")] = ""
    link: Link = ""


class Routes(FileStruct, frozen=True, kw_only=True):
    precedence: Annotated[list[Name], Meta(min_length=1, description="When several rules name a role: the first here")]
    default: Annotated[
        dict[Tier, Name],
        Meta(
            description="When no rule names one",
            extra_json_schema={"propertyNames": {"enum": list(TIERS)}},
        ),
    ]


class Step(FileStruct, frozen=True, kw_only=True):
    """One approval step. Exactly one of any_of, each, all_of, quorum says who."""

    id: Identifier
    label: Label
    when: Condition = "true"
    any_of: Annotated[list[StepRole], Meta(description="One person of any of these roles")] = []
    each: Annotated[list[StepRole], Meta(description="One person from each of these roles")] = []
    all_of: Annotated[list[StepRole], Meta(description="One person from each; the same as each")] = []
    quorum: Annotated[int, Meta(ge=0, le=20, description="This many people of the roles in `of`")] = 0
    of: Annotated[list[StepRole], Meta(description="The roles of a quorum")] = []


class Helper(FileStruct, frozen=True, kw_only=True):
    """A further packet with the Write reply button, where no draft can be sent."""

    when: Condition
    role: Name


class Rung(FileStruct, frozen=True, kw_only=True):
    id: Identifier
    after: Annotated[
        str, Meta(pattern="^([0-9]{1,5}[smhd]|[0-9]{1,2}%)$", description="2h, or 50% of the time until the deadline")
    ]
    do: Literal["remind", "escalate", "holding", "status"]
    to: Annotated[RungRole, Meta(description="$route, backup, manager or a role")] = "$route"
    dm: Annotated[bool, Meta(description="Also by direct message")] = False


class Holding(FileStruct, frozen=True, kw_only=True):
    """The only thing a customer may get without a decision: a fixed, approved text, once a case."""

    after: Duration
    channels: list[Literal["email", "chat", "web", "phone", "social", "other"]]
    text: Annotated[str, Meta(min_length=1, max_length=2000)]


class RejectCategory(FileStruct, frozen=True, kw_only=True):
    value: Identifier
    label: Label


class OutcomeRow(FileStruct, frozen=True, kw_only=True):
    """The first row that fits decides. `category`, `route`, `intent` narrow it; left out they fit everything."""

    outcome: Outcome
    category: Identifier | None = None
    route: Name | None = None
    intent: Identifier | None = None
    resolution_code: Identifier
    next_action: Identifier
    follow_up: Duration | None = None
    csat: bool = False


class Digests(FileStruct, frozen=True, kw_only=True):
    """Low-risk packets of one channel that come in a burst are lines of one message until somebody opens them."""

    from_: Annotated[
        int, Meta(ge=0, le=1000, description="From this many low-tier cases on, within that time; 0: never")
    ] = field(name="from")
    within: Duration = "1m"


class Document(FileStruct, frozen=True, kw_only=True):
    format: Annotated[Literal[1], Meta(description="Version of this file's format")]
    baseline_mode: Annotated[bool, Meta(description="Every reply is reviewed by a person, whatever the rest says")]
    notes_only: Annotated[bool, Meta(description="AI writes summaries and internal notes, nothing for customers")]
    unsafe_small_refund_auto: bool = False
    unsafe_policy_autoload: bool = False
    send_delay: Annotated[Duration, Meta(description="Time to undo a mis-tap; none where Approve asks to confirm")]
    expire_after: Annotated[Duration, Meta(description="Without a deadline a case expires after this, unsent")]
    claim_for: Annotated[Duration, Meta(description="A person who claims a case has it to themselves for so long")] = (
        "15m"
    )
    queue_alert: Annotated[int, Meta(ge=1, le=100_000, description="More cases than this in one queue: an alarm")] = 20
    digests: Annotated[Digests | None, Meta(description="Left out, every case gets a message of its own")] = None
    thresholds: Thresholds
    intents: Annotated[dict[Identifier, Topic], Meta(min_length=1)]
    actions: Annotated[dict[Identifier, Topic], Meta(description="Types of requested_action; any other is high")]
    money_limits: list[MoneyLimit]
    rules: Annotated[list[Rule], Meta(max_length=500)]
    handling: Annotated[list[Rule], Meta(min_length=1, max_length=100)]
    escalation: Annotated[list[Rule], Meta(max_length=100)]
    routes: Routes
    stages: Annotated[list[Step], Meta(min_length=1, max_length=50)]
    helpers: Annotated[list[Helper], Meta(max_length=20)] = []
    ladders: Annotated[
        dict[LadderName, list[Rung]],
        Meta(min_length=1, extra_json_schema={"propertyNames": {"enum": list(get_args(LadderName))}}),
    ]
    holding: Holding
    checklist: Annotated[list[Label], Meta(max_length=10)]
    reject_categories: Annotated[list[RejectCategory], Meta(min_length=1, max_length=50)]
    outcomes: Annotated[list[OutcomeRow], Meta(min_length=1, max_length=300)]
