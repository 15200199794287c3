"""`countersign deliveries …`: dead letters and deliveries nobody can be sure of."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.common import fail, print_json, read_settings, read_store
from app.clock import SystemClock
from app.core.messages import RedriveDelivery
from app.core.office import RedriveNotice
from app.edges.policy_files import load_policy
from app.engine import Engine


def list_deliveries(json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Deliveries that gave up or are indeterminate, oldest first."""
    with read_store(read_settings()).reading() as reader:
        stuck = reader.deliveries("dead", "indeterminate")
    if json:
        rows = [
            {"id": d.id, "case_id": d.case_id, "destination": d.destination, "status": d.status, "error": d.error}
            for d in stuck
        ]
        print_json({"deliveries": rows})
        return
    for d in stuck:
        typer.echo(f"{d.id}  {d.status:13}  {d.destination:8}  {type(d.effect).__name__:14}  {d.error}")
    if not stuck:
        typer.echo("Nothing is stuck.")


def redrive(delivery_id: Annotated[str, typer.Argument(help="As `deliveries list` shows it.")]) -> None:
    """Try a dead delivery again. An indeterminate reply is settled in Slack, by a person who looked."""
    settings = read_settings()
    store = read_store(settings)
    with store.reading() as reader:
        delivery = reader.delivery(delivery_id)
    if delivery is None:
        fail(f"There is no delivery {delivery_id}.")
    if delivery.status != "dead":
        fail(f"{delivery_id} is {delivery.status}; only a dead delivery can be driven again.")
    engine = Engine(store, load_policy(settings.countersign_policy_dir), clock=SystemClock())
    if delivery.case_id:
        effect = delivery.effect
        command = RedriveDelivery(case_id=delivery.case_id, by="system:cli", delivery=delivery_id, effect=effect)
        engine.handle(command)
    else:
        engine.office_receipt(RedriveNotice(by="system:cli", delivery=delivery_id))
    typer.echo(f"{delivery_id} goes out again.")
