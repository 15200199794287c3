"""`countersign audit`: a proof of one case that verifies without us, and what it says when it does not."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from app.cli import app
from app.clock import SystemClock
from app.core.messages import Approve, ReceiveCase
from app.engine import Engine
from db.store import Store
from tests.make import a_customer, a_draft, a_message, a_ticket, people, signals
from tests.scenes import SHIPPED

runner = CliRunner()


def a_log(folder: Path) -> dict[str, str]:
    """A database with two cases in it, and the environment that points at it."""
    url = f"sqlite:///{folder / 'audit.db'}"
    store = Store(url)
    store.upgrade()
    engine = Engine(store, SHIPPED, clock=SystemClock(), people=people)
    engine.offer(SHIPPED, by="system:test")
    for number in (1, 2):
        case = engine.handle(
            ReceiveCase(
                case_id=f"c_case{number}",
                by="api:t",
                ticket=a_ticket(id=f"T{number}"),
                customer=a_customer(),
                messages=(a_message(),),
                draft=a_draft(),
                signals=signals(),
            )
        ).case
        assert case is not None
        engine.handle(Approve(case_id=case.id, user="UAGENT1", seen=case.request_hash))
    store.close()
    return {"DATABASE_URL": url}


def test_a_proof_verifies_offline_and_a_changed_one_does_not(tmp_path: Path) -> None:
    env = a_log(tmp_path)
    proof = tmp_path / "proof.json"
    made = runner.invoke(app, ["audit", "prove", "c_case1", "--out", str(proof)], env=env)
    assert made.exit_code == 0, made.output
    key = made.output.split("--key '")[1].split("'")[0]

    there = {"DATABASE_URL": "sqlite:////nowhere/at/all.db"}
    good = runner.invoke(app, ["audit", "verify", "--proof", str(proof), "--key", key], env=there)
    assert good.exit_code == 0, good.output
    assert "c_case1" in good.output

    proof.write_text(proof.read_text().replace("UAGENT1", "UAGENT2"))
    bad = runner.invoke(app, ["audit", "verify", "--proof", str(proof), "--key", key], env=there)
    assert bad.exit_code == 1
    assert "does not verify" in bad.output


def test_the_whole_log_verifies_and_an_unknown_case_is_said(tmp_path: Path) -> None:
    env = a_log(tmp_path)
    whole = runner.invoke(app, ["audit", "verify", "--json"], env=env)
    assert whole.exit_code == 0, whole.output
    assert '"ok": true' in whole.output
    unknown = runner.invoke(app, ["audit", "prove", "c_other"], env=env)
    assert unknown.exit_code == 1
    assert "c_other" in unknown.output


def test_a_proof_without_a_key_is_wrong_usage(tmp_path: Path) -> None:
    asked = runner.invoke(app, ["audit", "verify", "--proof", str(tmp_path / "p.json")])
    assert asked.exit_code == 2
