"""Commands that look: doctor, queue, manifest, db upgrade."""

from __future__ import annotations

import json as jsonlib
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from typing import Annotated

import typer
import yaml

from app.cli.common import fail, print_json, read_settings, read_store
from app.core.errors import CountersignError
from app.edges.keys import ApiKeys
from app.main import check_installation, open_store

Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def doctor(
    json: Json = False,
    secrets: Annotated[bool, typer.Option("--secrets", help="Show the callback secret of each API key.")] = False,
    new_secret: Annotated[bool, typer.Option("--new-secret", help="Print a fresh whsec_ secret and stop.")] = False,
) -> None:
    """Check settings, policy, database and Slack: everything `serve` needs. Faults exit 1, warnings 0."""
    if new_secret:
        typer.echo("whsec_" + b64encode(token_bytes(32)).decode())
        return
    if secrets:
        keys = ApiKeys.parse(read_settings().countersign_api_keys.get_secret_value())
        for name, secret in keys.callback_secrets().items():
            typer.echo(f"{name}  {secret}")
        return
    faults, warnings = check_installation(read_settings())
    if json:
        print_json({"ok": not faults, "faults": faults, "warnings": warnings})
    else:
        for fault in faults:
            typer.echo(f"FAULT    {fault}")
        for warning in warnings:
            typer.echo(f"warning  {warning}")
        if not faults:
            typer.echo("Countersign can start.")
    raise typer.Exit(1 if faults else 0)


def queue(json: Json = False) -> None:
    """What waits where: pending, oldest, overdue, by queue."""
    now = datetime.now(UTC)
    with read_store(read_settings()).reading() as reader:
        counts = reader.queue_counts(now)
    if json:
        rows = [
            {"queue": name, "pending": c.pending, "overdue": c.overdue, "oldest_at": c.oldest_at}
            for name, c in counts.items()
        ]
        print_json({"queues": rows})
        return
    for name, c in counts.items():
        age = f"{(now - c.oldest_at).total_seconds() / 60:.0f} min" if c.oldest_at else "-"
        typer.echo(f"#{name:28} pending {c.pending:4}  oldest {age:>8}  overdue {c.overdue}")
    if not counts:
        typer.echo("No case has come in yet.")


def manifest(
    source: Annotated[Path, typer.Option(help="The manifest to convert.")] = Path("manifest.yml"),
) -> None:
    """Print manifest.json made from manifest.yml, for `slack run`."""
    if not source.exists():
        fail(f"There is no {source}.")
    typer.echo(jsonlib.dumps(yaml.safe_load(source.read_text()), indent=2))


def db_upgrade() -> None:
    """Bring the database to this release's schema. Safe to run twice."""
    try:
        store = open_store(read_settings(), migrate=True)
    except CountersignError as error:
        fail(str(error))
    typer.echo(f"The database is at {store.schema_version()}.")
