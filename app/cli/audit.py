"""`countersign audit …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.auditlog import prove_case, verifier, verify
from app.cli.common import fail, print_json, read_settings, read_store
from app.core.audit import verify_case_proof
from app.core.errors import CountersignError
from app.main import signing_key


def verify_log(
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    proof: Annotated[
        Path | None, typer.Option(help="Verify this proof of one case instead; needs no database.")
    ] = None,
    key: Annotated[str, typer.Option(help="With --proof: the verifier key, as `audit prove` printed it.")] = "",
) -> None:
    """Recompute the whole log. Exits 1 and names the first event that is not as it was written."""
    if proof is not None:
        _verify_proof(proof, key)
        return
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


def prove(
    case_id: Annotated[str, typer.Argument(help="The case's id.")],
    out: Annotated[Path, typer.Option(help="Where the proof is written.")] = Path("proof.json"),
) -> None:
    """Write a proof that the case's events are in the log; it verifies offline, without us."""
    settings = read_settings()
    store = read_store(settings)
    signing = signing_key(settings)
    try:
        out.write_bytes(prove_case(store, signing, case_id))
    except CountersignError as error:
        fail(str(error))
    typer.echo(f"Wrote {out}. Verify it anywhere:")
    typer.echo(f"  countersign audit verify --proof {out} --key '{verifier(signing)}'")


def _verify_proof(proof: Path, key: str) -> None:
    if not key:
        raise typer.BadParameter("--proof needs --key", param_hint="--key")
    try:
        report = verify_case_proof(proof.read_bytes(), key)
    except OSError as error:
        fail(f"{proof} cannot be read: {error.strerror}")
    if not report.ok:
        fail(f"The proof does not verify: {report.problem}")
    typer.echo(f"The proof verifies: {report.events} events of case {report.case_id}, in a log of {report.size}.")
