"""`countersign`: thin commands. Exit 0 good, 1 the thing checked is bad, 2 wrong usage."""

from __future__ import annotations

import typer

from app.cli import audit, deliveries, demo, inspect, scan, serve
from app.cli import policy as policies

app = typer.Typer(
    name="countersign",
    help="Slack-native approval of AI-drafted customer replies.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
policy = typer.Typer(help="Check, explain and try policies.", no_args_is_help=True)
audit_app = typer.Typer(help="The audit log.", no_args_is_help=True)
database = typer.Typer(help="The database.", no_args_is_help=True)
outbox = typer.Typer(help="Deliveries that need a person.", no_args_is_help=True)

app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("doctor")(inspect.doctor)
app.command("queue")(inspect.queue)
app.command("scan")(scan.scan_lines)
app.command("manifest")(inspect.manifest)
policy.command("check")(policies.check)
policy.command("explain")(policies.explain_case)
policy.command("diff")(policies.diff_policies)
policy.command("backtest")(policies.backtest_policy)
audit_app.command("verify")(audit.verify_log)
audit_app.command("prove")(audit.prove)
database.command("upgrade")(inspect.db_upgrade)
outbox.command("list")(deliveries.list_deliveries)
outbox.command("redrive")(deliveries.redrive)
app.add_typer(policy, name="policy")
app.add_typer(audit_app, name="audit")
app.add_typer(database, name="db")
app.add_typer(outbox, name="deliveries")


def main() -> None:
    app()
