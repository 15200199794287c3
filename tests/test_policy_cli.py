"""`countersign policy check | explain | diff | backtest`, as their users run them."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from app.cli import app
from app.core.messages import ReceiveCase
from app.core.policy import compile_policy, snapshot_hash
from app.edges.policy_files import load_policy
from app.engine import Engine
from app.sandbox.server import Sandbox, SandboxConfig
from app.sandbox.serving import run as serve
from db.store import Store
from tests.core.policies import shipped_documents
from tests.db.steps import add, nth_case
from tests.make import NOW, a_customer, a_draft, a_message, a_ticket, people, signals
from tests.scenes import POLICIES, SHIPPED

runner = CliRunner()
CASE: dict[str, Any] = {
    "ticket": {"id": "48213", "channel": "email", "subject": "Broken"},
    "customer": {"id": "cust-881", "name": "Maria Keller", "email": "maria@acme.example", "segment": "standard"},
    "messages": [{"author": "customer", "text": "Please refund order 4411, my number is +49 30 901820."}],
    "draft": {"text": "We are looking into it.", "confidence": 0.97},
    "signals": {
        "intent": {"label": "refund_request", "confidence": 0.93},
        "sentiment": {"label": "neutral", "confidence": 0.9},
        "language": {"label": "en", "confidence": 0.99},
    },
    "requested_action": {"type": "refund", "amount": "240.00", "currency": "EUR"},
}


def run(*arguments: str, input: str | None = None, env: dict[str, str] | None = None) -> Result:
    known = {"COUNTERSIGN_POLICY_DIR": str(POLICIES), "DATABASE_URL": "sqlite:////nowhere/at/all.db", "COLUMNS": "200"}
    return runner.invoke(app, ["policy", *arguments], input=input, env={**known, **(env or {})})


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the shipped directory with keys of risk.yaml replaced, small enough to be checked at once."""

    def make(**changes: Any) -> Path:
        documents = shipped_documents()[0]
        risk = {**deepcopy(documents.risk), **changes}
        for file, content in {**documents.by_file(), "risk.yaml": risk}.items():
            if file != "intents.yaml":
                (tmp_path / file).write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        return tmp_path

    return make


def few(table: str, *names: str) -> dict[str, Any]:
    return {name: shipped_documents()[0].risk[table][name] for name in names}


SMALL = {
    "intents": few("intents", "shipping_status", "complaint", "cancellation"),
    "actions": few("actions", "faq_answer", "refund", "data_export"),
}


# --- check -------------------------------------------------------------------------------------------------------


def test_a_good_policy_exits_0_and_says_what_is_so(changed: Callable[..., Path]) -> None:
    answer = run("check", str(changed(**SMALL)))
    assert answer.exit_code == 0, answer.output
    assert "info     risk.yaml:" in answer.stdout
    assert "as soon as baseline mode ends" in answer.stdout
    assert "The policy is good. Snapshot " in answer.stdout


def test_a_mistake_exits_1_with_file_line_and_key(changed: Callable[..., Path]) -> None:
    where = changed(baseline_mode="on please")
    answer = run("check", str(where))
    assert answer.exit_code == 1
    assert "risk.yaml:2: baseline_mode" in answer.output
    told = json.loads(run("check", str(where), "--json").stdout)
    assert told["ok"] is False
    assert "risk.yaml:2: baseline_mode" in told["problems"][0]


def test_what_must_not_go_alone_exits_1_and_a_warning_does_not(changed: Callable[..., Path]) -> None:
    sure = {**SMALL["intents"]["cancellation"], "tier": "low", "action_class": "auto", "always_human": False}
    bad = changed(**{**SMALL, "intents": {**SMALL["intents"], "cancellation": {**sure, "route": "support_agent"}}})
    told = run("check", str(bad), "--json")
    assert told.exit_code == 1
    errors = [r for r in json.loads(told.stdout)["remarks"] if r["level"] == "error"]
    assert [r["key"] for r in errors] == ["intents.cancellation"]
    assert errors[0]["line"] > 0
    assert "must not act as it is" in run("check", str(bad)).output

    late = {**shipped_documents()[0].risk["ladders"], "standard": [{"id": "late", "after": "3d", "do": "remind"}]}
    answer = run("check", str(changed(**SMALL, ladders=late)))
    assert answer.exit_code == 0
    assert "warning  risk.yaml:" in answer.stdout


def test_dynamic_roles_that_nobody_can_look_up_are_warned_of(changed: Callable[..., Path], tmp_path: Path) -> None:
    where = changed(**SMALL)
    roles = yaml.safe_load((where / "roles.yaml").read_text())
    roles["roles"]["vip_manager"] |= {"resolver": "account_owner"}
    del roles["roles"]["vip_manager"]["group"]
    (where / "roles.yaml").write_text(yaml.safe_dump(roles))
    answer = run("check", str(where))
    assert answer.exit_code == 0, answer.output
    assert "Role vip_manager: nothing is set up that knows account_owner" in answer.stdout
    book = tmp_path / "who.yaml"
    book.write_text("account_owner: {cust-881: U0NORA}")
    assert "vip_manager: nothing" not in run("check", str(where), env={"COUNTERSIGN_RESOLVER": str(book)}).output
    book.write_text("account_owner: {cust-881: Nora}")
    broken = run("check", str(where), env={"COUNTERSIGN_RESOLVER": str(book)}).output
    assert "COUNTERSIGN_RESOLVER names a file with a mistake" in broken
    assert "Nora" not in broken


def test_asking_slack_without_a_token_is_wrong_usage(changed: Callable[..., Path]) -> None:
    answer = run("check", str(changed(**SMALL)), "--slack", env={"SLACK_BOT_TOKEN": ""})
    assert answer.exit_code == 2
    assert "SLACK_BOT_TOKEN" in answer.output


def test_slack_is_asked_for_channels_and_members(changed: Callable[..., Path]) -> None:
    sandbox = Sandbox(SandboxConfig())
    server = serve(sandbox.app, "127.0.0.1", 0)
    env = {"SLACK_BOT_TOKEN": "xoxb-sandbox", "SLACK_API_URL": f"{server.url}/api/"}
    try:
        where = changed(**SMALL)
        roles = deepcopy(shipped_documents()[0].roles)
        roles["roles"]["vip_manager"]["group"] = "nobody-has-this"
        (where / "roles.yaml").write_text(yaml.safe_dump(roles, sort_keys=False))
        warned = run("check", str(where), "--slack", env=env)
        roles["roles"]["vip_manager"]["channel"] = "no-such-channel"
        (where / "roles.yaml").write_text(yaml.safe_dump(roles, sort_keys=False))
        refused = run("check", str(where), "--slack", env=env)
    finally:
        server.stop()
    assert warned.exit_code == 0, warned.output
    assert "Role vip_manager: the user group @nobody-has-this does not exist" in warned.output
    assert refused.exit_code == 1
    assert "#no-such-channel, the channel of vip_manager, does not exist" in refused.output


# --- explain -----------------------------------------------------------------------------------------------------


def explained(case: dict[str, Any], *options: str) -> str:
    answer = run("explain", "-", *options, input=json.dumps(case))
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_a_case_is_explained_in_words_and_without_what_the_customer_wrote(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps(CASE))
    answer = run("explain", str(file))
    assert answer.exit_code == 0, answer.output
    text = answer.stdout
    for said in (
        "High risk",
        "withheld",
        "#billing-approvals (Billing approvers), and to #support-review to write the reply",
        "1. First approval: one of Support agents (@support-agents) or Billing approvers (@billing-approvers)",
        "2. Sign-off: one of Billing approvers (@billing-approvers)",
        "after 15 min: Support leads (@support-leads) may decide too, also by direct message",
        "after 24 h: it expires; the draft is not sent",
        "intent_refund_request: This is about a refund (confidence 0.93). Asks for: high tier, a person",
        "https://support.example.com/policies/refunds",
        "action.amount = 240 EUR",
        "money_limit: 240 EUR is above the 50 EUR",
    ):
        assert said in text
    for private in ("Maria", "acme.example", "4411", "901820", "looking into it"):
        assert private not in text


def test_why_a_harmless_case_still_waits() -> None:
    shipping = {**CASE, "messages": [{"author": "customer", "text": "Where is my parcel?"}], "requested_action": None}
    shipping["signals"] = {**CASE["signals"], "intent": {"label": "shipping_status", "confidence": 0.93}}
    text = explained(shipping)
    assert "This asks for a person: baseline." in text
    assert "Without baseline mode it would go by itself." in text
    unsure = explained({**shipping, "draft": {"text": "Soon.", "confidence": 0.7}})
    assert "It would not go by itself after baseline mode either: The draft is not sure enough" in unsure
    told = json.loads(explained(shipping, "--json"))
    assert (told["tier"], told["required"], told["channel"]) == ("low", "approve", "support-review")
    assert [why["rule_id"] for why in told["reasons"]] == ["baseline"]


def test_missing_signals_are_computed_as_at_intake() -> None:
    text = explained({k: v for k, v in CASE.items() if k != "signals"})
    assert "intent: refund_request" in text
    assert "by builtin" in text


def test_a_transaction_counts_as_verified_only_for_who_may_say_so() -> None:
    done = {**CASE, "draft": {"text": "We have refunded 240 EUR.", "confidence": 0.9}}
    done["requested_action"] = {**CASE["requested_action"], "transaction_verified": True}
    assert "nobody can approve it unchanged" in explained(done)
    assert "nobody can approve it unchanged" not in explained(done, "--assert-transaction")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{", "not JSON at line 1"),
        (json.dumps({**CASE, "customer": {}}), "customer.id: this field is required"),
        (json.dumps({**CASE, "colour": "red"}), "colour: there is no such field"),
        (json.dumps({**CASE, "callback_url": "http://example.com/cs"}), "callback_url: must be https"),
    ],
)
def test_what_intake_would_refuse_names_the_field(body: str, says: str) -> None:
    answer = run("explain", "-", input=body)
    assert answer.exit_code == 1
    assert says in answer.output


def test_a_file_that_is_not_there_is_wrong_usage() -> None:
    assert run("explain", "missing.json").exit_code == 2


def test_control_characters_of_a_label_do_not_reach_the_terminal() -> None:
    odd = {**CASE, "signals": {**CASE["signals"], "intent": {"label": "a\x1b[2Jb", "confidence": 0.9}}}
    assert "\x1b" not in explained(odd)


# --- with stored cases -------------------------------------------------------------------------------------------


class Stored:
    """A database in which the shipped policy is in force, with a plain case and a VIP's, both of now."""

    def __init__(self, folder: Path) -> None:
        self.env = {"DATABASE_URL": f"sqlite:///{folder / 'cases.db'}"}
        store = Store(self.env["DATABASE_URL"])
        store.upgrade()
        engine = Engine(store, SHIPPED, clock=_Now(), people=people)
        assert engine.offer(SHIPPED, by="system:test")
        for number, vip in enumerate((False, True), start=1):
            engine.handle(
                ReceiveCase(
                    case_id=f"c_stored{number}",
                    by="api:t",
                    ticket=a_ticket(id=f"T{number}"),
                    customer=a_customer(vip=vip),
                    messages=(a_message(),),
                    draft=a_draft(confidence=0.97),
                    signals=signals(),
                )
            )
        store.close()


class _Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    return Stored(tmp_path)


def test_a_stored_case_is_explained_under_its_own_policy(stored: Stored, changed: Callable[..., Path]) -> None:
    elsewhere = {**stored.env, "COUNTERSIGN_POLICY_DIR": str(changed(**SMALL))}
    answer = run("explain", "c_stored2", env=elsewhere)
    assert answer.exit_code == 0, answer.output
    assert f"Case c_stored2, policy {SHIPPED.snapshot[:12]}." in answer.stdout
    assert "account_vip: A VIP customer." in answer.stdout
    unknown = run("explain", "c_other12", env=stored.env)
    assert unknown.exit_code == 1
    assert "There is no case c_other12" in unknown.output


def test_changes_against_the_policy_in_force(stored: Stored, changed: Callable[..., Path]) -> None:
    directory = changed(baseline_mode=False)
    told = run("diff", "--json", env={**stored.env, "COUNTERSIGN_POLICY_DIR": str(directory)})
    assert told.exit_code == 0, told.output
    changes = [c for c in json.loads(told.stdout)["changes"] if c["file"] != "intents.yaml"]
    assert changes == [{"file": "risk.yaml", "key": "baseline_mode", "kind": "changed", "old": True, "new": False}]
    by_hash = run("diff", SHIPPED.snapshot[:12], str(directory), env=stored.env)
    assert "risk.yaml: baseline_mode: yes → no" in by_hash.stdout
    nowhere = run("diff", "0123456789ab", str(directory), env=stored.env)
    assert nowhere.exit_code == 1
    assert "No stored policy begins with 0123456789ab" in nowhere.output


def test_two_directories_need_no_database(changed: Callable[..., Path]) -> None:
    answer = run("diff", str(POLICIES), str(POLICIES))
    assert (answer.exit_code, answer.stdout) == (0, "They say the same.\n")
    assert run("diff", str(POLICIES), "/not/there").exit_code == 1


def test_a_change_is_tried_on_stored_cases(stored: Stored, changed: Callable[..., Path]) -> None:
    directory = str(changed(baseline_mode=False))
    answer = run("backtest", directory, env=stored.env)
    assert answer.exit_code == 0, answer.output
    first, *_ = answer.stdout.splitlines()
    assert first.startswith("c_stored1 (ticket T1): required approve → auto")
    assert "2 cases under" in answer.stdout
    assert "Without a person: 0.0% before, 50.0% after; 1 newly." in answer.stdout
    told = json.loads(run("backtest", directory, "--json", "--limit", "1", env=stored.env).stdout)
    assert (told["total"]["cases"], told["total"]["changed"]) == (1, 0)  # the newest is the VIP's
    assert told["old"] == SHIPPED.snapshot
    assert told["new"] == load_policy(Path(directory)).snapshot


def test_a_backtest_reads_no_further_back_than_asked(stored: Stored, changed: Callable[..., Path]) -> None:
    directory = str(changed(baseline_mode=False))
    assert "No case came in since then." in run("backtest", directory, "--since", "0s", env=stored.env).output
    assert run("backtest", directory, "--since", "a month", env=stored.env).exit_code == 2


# --- the store ---------------------------------------------------------------------------------------------------


def test_cases_since_a_time_come_newest_first_and_in_pieces(store: Store) -> None:
    with store.writing() as unit:
        for number in range(450):
            add(unit, nth_case(number, created_at=NOW + timedelta(minutes=number // 2)))
    with store.reading() as reader:
        found = [case.id for case in reader.cases_since(NOW + timedelta(minutes=10))]
    assert found == [f"cs_{number:08d}" for number in range(449, 19, -1)]


def test_a_snapshot_is_found_by_the_beginning_of_its_hash(store: Store) -> None:
    documents = shipped_documents()[0]
    content = msgspec.json.encode(documents)
    with store.writing() as unit:
        for name in ("ab12" + "0" * 60, "ab13" + "0" * 60, "cd" + "0" * 62):
            unit.save_snapshot(name, content)
    with store.reading() as reader:
        assert reader.snapshots_like("ab12") == ["ab12" + "0" * 60]
        assert len(reader.snapshots_like("ab")) == 2
        assert reader.snapshots_like("ef") == []
    assert compile_policy(documents).snapshot == snapshot_hash(documents)
