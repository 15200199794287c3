"""`countersign audit …`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.auditlog import verify
from app.cli.common import fail, print_json, read_settings, read_store
from app.core.errors import CountersignError
from app.main import signing_key


def verify_log(json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Recompute the whole log. Exits 1 and names the first event that is not as it was written."""
    settings = read_settings()
    store = read_store(settings)
    try:
        report = verify(store, signing_key(settings))
    except CountersignError as error:
        fail(f"The log does not verify: {error}")
    if json:
        print_json(
            {
                "ok": report.ok,
                "events": report.events,
                "checkpoints": report.checkpoints_ok,
                "root": report.root,
                "problem": report.problem,
                "first_bad_seq": report.first_bad_seq,
            }
        )
    elif report.ok:
        typer.echo(f"The log verifies: {report.events} events, {report.checkpoints_ok} checkpoints.")
    else:
        typer.echo(f"The log does not verify: {report.problem}", err=True)
    raise typer.Exit(0 if report.ok else 1)
