"""Replays real customer messages and real AI drafts through the whole product and judges what customers received."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import rfc8785

from app.sandbox.server import Sandbox
from bench.replay_people import People, Plan
from bench.replay_rig import API_SECRET, Rig

Json = dict[str, Any]
Stated = Mapping[str, Mapping[str, Mapping[str, int]]]  # data:mode → tier or ai_mode → counts
MESSAGES, DRAFTS = "customer_taubench.jsonl", "reply_taubench.jsonl"
MODES = ("given", "computed")
STUCK_LOOKS = 3

# What the case at place i says of itself: intent, confidence, sentiment, confidence, segment, action.
SIGNALS: tuple[tuple[str, float, str, float, str, Json | None], ...] = (
    ("shipping_status", 0.95, "neutral", 0.90, "standard", None),
    ("order_change", 0.88, "neutral", 0.85, "standard", None),
    ("how_to", 0.93, "positive", 0.80, "small", None),
    ("refund_request", 0.91, "negative", 0.60, "standard", {"type": "refund", "amount": "240.00", "currency": "USD"}),
    ("order_status", 0.72, "neutral", 0.88, "standard", None),
    ("product_tips", 0.97, "positive", 0.92, "standard", None),
    ("warranty", 0.84, "neutral", 0.75, "enterprise", None),
    ("complaint", 0.86, "negative", 0.82, "small", None),
    ("opening_hours", 0.98, "neutral", 0.95, "standard", None),
    ("cancellation", 0.90, "neutral", 0.70, "standard", {"type": "cancellation", "irreversible": True}),
    ("how_to", 0.52, "neutral", 0.90, "standard", None),
    ("security_incident", 0.89, "negative", 0.72, "enterprise", None),
    ("account_change", 0.87, "neutral", 0.81, "standard", None),
)
CHANNELS = ("email", "chat", "web", "phone", "social")

# Tiers and AI modes the shipped policy gives these very files (their digest). Change it together with the policy.
EXPECTED: Stated = {
    "50d839b29677b5ff:given": {
        "tier": {"high": 252, "low": 222, "medium": 111},
        "ai_mode": {"draft_reply": 294, "summarize_only": 291},
    },
    "50d839b29677b5ff:computed": {
        "tier": {"high": 219, "low": 24, "medium": 342},
        "ai_mode": {"draft_reply": 176, "summarize_only": 409},
    },
}


@dataclass
class Result:
    """One mode's replay. `faults` empty: everything held."""

    mode: str
    cases: int
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    handled: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def read_rows(path: Path) -> list[str]:
    """The `text` of every row; ValueError names the line that has none."""
    texts = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                texts.append(str(row["text"]))
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"{path}: line {number} is not a JSON object with a text") from None
    return texts


def bodies(messages: Sequence[str], drafts: Sequence[str], mode: str) -> list[Json]:
    """Cases as an integrator would post them: message i with draft i, drafts from the start again when they end."""
    made: list[Json] = []
    for number, (text, draft) in enumerate(zip(messages, itertools.cycle(drafts), strict=False)):
        intent, sure, sentiment, felt, segment, action = SIGNALS[number % len(SIGNALS)]
        body: Json = {
            "ticket": {"id": f"{mode}-{number:04}", "channel": CHANNELS[number % len(CHANNELS)]},
            "customer": {
                "id": f"cust-{mode}-{number:04}",
                "name": f"Customer {number}",
                "segment": segment,
                "crm_ticket_id": f"{MODES.index(mode) + 1}{number:05}",
            },
            "messages": [{"author": "customer", "text": text}],
            "draft": {"text": draft, "confidence": 0.9, "model_name": "gpt-4o"},
        }
        if mode == "given":
            body["signals"] = {
                "intent": {"label": intent, "confidence": sure},
                "sentiment": {"label": sentiment, "confidence": felt},
                "language": {"label": "en", "confidence": 0.99},
            }
            if action:
                body["requested_action"] = action
        made.append(body)
    return made


def replay(cases: Sequence[Json], mode: str, database_url: str) -> Result:
    """Post, decide and deliver every case; judge from what the far ends hold."""
    result = Result(mode, len(cases))
    with Rig(database_url) as rig:
        headers = {"Authorization": f"Bearer {API_SECRET}"}
        with httpx.Client(base_url=rig.bot.url, headers=headers, timeout=30, trust_env=False) as client:
            began = time.perf_counter()
            plans = _post(client, rig, cases)
            posted = time.perf_counter() - began
            people = People(rig.sandbox, rig.settle, plans)
            _run(rig, people, plans)
            wall = time.perf_counter() - began
            result.lines += _speed(rig, people, len(cases), posted, wall)
            _judge(rig, client, people, plans, cases, result)
    return result


def _post(client: httpx.Client, rig: Rig, cases: Sequence[Json]) -> dict[str, Plan]:
    plans: dict[str, Plan] = {}
    for number, body in enumerate(cases):
        rig.sandbox.crm.add_ticket(body["customer"]["crm_ticket_id"])
        ticket = body["ticket"]["id"]
        answer = client.post("/v1/cases", json=body, headers={"Idempotency-Key": ticket})
        if answer.status_code != 202:
            raise SystemExit(f"POST /v1/cases for {ticket} was answered {answer.status_code}: {answer.text[:500]}")
        plans[answer.json()["id"]] = Plan(number, ticket, body["draft"]["text"])
    return plans


def _run(rig: Rig, people: People, plans: Mapping[str, Plan]) -> None:
    """Until nothing is on its way and every ticket got its reply, or looking again changes nothing."""

    def answered() -> int:
        return len({d.ticket_id for d in rig.sandbox.helpdesk.received if d.kind == "reply"})

    for _ in range(STUCK_LOOKS):
        rig.run_until(lambda: rig.outbox_empty() and not rig.replies_wait(), people.look)
        if answered() == len(plans):
            return
        people.look_again()


# --- judging -----------------------------------------------------------------------------------------------------


def _judge(
    rig: Rig,
    client: httpx.Client,
    people: People,
    plans: Mapping[str, Plan],
    cases: Sequence[Json],
    result: Result,
) -> None:
    rig.settle()
    tiers: Counter[str] = Counter()
    modes: Counter[str] = Counter()
    for case_id, plan in plans.items():
        case = client.get(f"/v1/cases/{case_id}").json()
        tiers[case["tier"]] += 1
        modes[case["ai_mode"]] += 1
        result.faults += [f"{plan.ticket}: {why}" for why in case_faults(rig.sandbox, case, plan)]
    result.counts = {"tier": dict(sorted(tiers.items())), "ai_mode": dict(sorted(modes.items()))}
    result.handled = dict(sorted(Counter(plan.kind or "nobody" for plan in plans.values()).items()))
    sandbox = rig.sandbox
    extra = {d.ticket_id for d in sandbox.helpdesk.received} - {body["ticket"]["id"] for body in cases}
    ok, audit = rig.audit()
    result.lines.append(f"audit log: {audit}")
    result.faults += [] if ok else [f"audit log: {audit}"]
    result.faults += [f"log: {line}" for line in rig.log.errors]
    result.faults += [f"people: {line}" for line in people.problems]
    result.faults += [f"delivery {line}" for line in rig.stuck_deliveries()]
    result.faults += [f"helpdesk refused: {status} {why}" for status, why in sandbox.helpdesk.refused]
    result.faults += [f"a button is still live: {button}" for button in people.live_buttons()]
    result.faults += [f"a ticket nobody posted got something: {ticket}" for ticket in sorted(extra)]
    result.lines += [f"warned {count} times: {line}" for line, count in sorted(rig.log.warnings.items())]


def case_faults(sandbox: Sandbox, case: Json, plan: Plan) -> list[str]:
    """What is wrong with one case at the end, judged by what helpdesk and CRM hold."""
    if case["state"] != "sent":
        return [f"ended as {case['state']}, not sent"]
    faults = []
    replies = [d for d in sandbox.helpdesk.replies(plan.ticket) if d.kind == "reply"]
    wanted = recomputed_hash(case)
    if len(replies) != 1:
        faults.append(f"{len(replies)} replies reached the customer")
    for reply in replies:
        if (reply.text or "").encode() != plan.approved.encode():
            faults.append("the text that left is not the text that was approved")
        if reply.request_hash != wanted:
            faults.append("the request hash that left is not the one of the case")
    if case["draft"]["request_hash"] != wanted:
        faults.append("the request hash in the API is not the one of its fields")
    if any(a["request_hash"] != wanted for a in case["approval"]["approvals"]):
        faults.append("an approval is of another request hash")
    if len({a["by"] for a in case["approval"]["approvals"]}) != len(case["approval"]["approvals"]):
        faults.append("one person approved twice")
    crm = sandbox.crm.tickets[_crm_ticket(plan)]
    outcome = "approved" if plan.kind == "approve" else "edited"
    if (crm.get("approval_outcome"), bool(crm.get("resolution_code"))) != (outcome, True):
        faults.append(f"the CRM says {crm.get('approval_outcome')!r}, {crm.get('resolution_code')!r}")
    return faults


def _crm_ticket(plan: Plan) -> str:
    mode = plan.ticket.partition("-")[0]
    return f"{MODES.index(mode) + 1}{plan.number:05}"


def recomputed_hash(case: Json) -> str:
    """SPEC 0's request hash from nothing but the public JSON."""
    action = case["requested_action"]
    fields = {
        "case_id": case["id"],
        "draft_version": case["draft"]["version"],
        "text": case["draft"]["text"],
        "recipient": case["customer"]["id"],
        "channel": case["ticket"]["channel"],
        "action": {name: action[name] for name in ("type", "amount", "currency")} if action else None,
        "policy_snapshot": case["policy_snapshot"],
    }
    return sha256(rfc8785.dumps(fields)).hexdigest()


def _speed(rig: Rig, people: People, cases: int, posted: float, wall: float) -> list[str]:
    acks = sorted(people.acks) or [0.0]
    p99 = acks[int(0.99 * (len(acks) - 1))]
    sent = Counter[str]()
    for channel in rig.sandbox.workspace.channels.values():
        mine = (m for m in rig.sandbox.workspace.everything(channel.id) if m.bot_id and m.ephemeral_to is None)
        sent[channel.name or channel.id] += sum(1 for _ in mine)
    busiest, most = sent.most_common(1)[0]
    floor = max(most - 1, 1)
    spent = rig.clock.monotonic()
    return [
        f"intake: {cases / posted:.0f} cases/s",
        f"wall time: {wall:.1f} s, {cases / wall:.1f} cases/s with everything, one thread",
        f"clicks and forms: {len(acks)}, acknowledged in {p99 * 1000:.0f} ms (p99), {acks[-1] * 1000:.0f} ms at most",
        f"Slack messages: {sent.total()}, of them {most} in #{busiest}",
        f"virtual time at Slack's pace: {spent:.0f} s; floor {floor} s (#{busiest}, one a second); "
        f"{spent / floor:.2f} times the floor",
    ]


# --- command line ------------------------------------------------------------------------------------------------


def compare(result: Result, digest: str, stated: Stated = EXPECTED) -> list[str]:
    """Counts that are not those stated for these files; nothing to say about other files."""
    expected = stated.get(f"{digest}:{result.mode}")
    if expected is None:
        return []
    return [
        f"{what}: {result.counts[what]}, expected {dict(wanted)}"
        for what, wanted in expected.items()
        if result.counts[what] != dict(wanted)
    ]


def report(result: Result, digest: str) -> bool:
    """Print one mode; whether everything held."""
    print(f"\nsignals {result.mode}: {result.cases} cases")
    for what, counts in result.counts.items():
        known = "" if f"{digest}:{result.mode}" in EXPECTED else "  (no expected counts for this data)"
        print(f"  {what}: {', '.join(f'{name} {n}' for name, n in counts.items())}{known}")
    print(f"  decided by: {', '.join(f'{name} {n}' for name, n in result.handled.items())}")
    for line in result.lines:
        print(f"  {line}")
    faults = compare(result, digest) + result.faults
    for fault in faults[:40]:
        print(f"  FAULT {fault}")
    if len(faults) > 40:
        print(f"  and {len(faults) - 40} more faults")
    print("  held: every text byte-equal, every hash recomputed, log and audit clean" if not faults else "  FAILED")
    return not faults


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help=f"folder of {MESSAGES} and {DRAFTS}")
    parser.add_argument("--signals", choices=(*MODES, "both"), default="both", help="given by the caller, or computed")
    parser.add_argument("--limit", type=int, default=0, help="only the first so many messages")
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL", ""), help="empty; default: a new SQLite")
    options = parser.parse_args(arguments)
    try:
        messages, drafts = (read_rows(options.data / name) for name in (MESSAGES, DRAFTS))
    except (OSError, ValueError) as error:
        print(f"The data cannot be read: {error}. Name its folder with --data.", file=sys.stderr)
        return 2
    if options.limit:
        messages = messages[: options.limit]
    if not messages or not drafts:
        print(f"{options.data}: no messages or no drafts.", file=sys.stderr)
        return 2
    digest = sha256(json.dumps([messages, drafts]).encode()).hexdigest()[:16]
    held = True
    for mode in MODES if options.signals == "both" else (options.signals,):
        with tempfile.TemporaryDirectory(prefix="countersign-replay-") as scratch:
            url = options.database or f"sqlite:///{scratch}/replay.db"
            held &= report(replay(bodies(messages, drafts, mode), mode, url), digest)
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
