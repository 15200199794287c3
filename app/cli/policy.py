"""`countersign policy …`: check a policy, explain a case, and try a change before it acts."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from pydantic import ValidationError

from app.cli.common import fail, print_json, read_settings, read_store
from app.core.case import Case
from app.core.errors import PolicyError
from app.core.machine import decide
from app.core.policy import Policy, PolicyDocuments, compile_policy, duration
from app.core.policy.backtest import Result, backtest
from app.core.policy.diff import diff
from app.core.policy.explain import explain
from app.core.policy.remarks import LEVELS, Remark
from app.core.policy.review import review
from app.core.world import World
from app.edges.body import parse_object
from app.edges.ids import is_case_id
from app.edges.intake_commands import receive_case
from app.edges.intake_models import NewCase
from app.edges.keys import DEFAULT_SCOPES, ApiKey, Scope
from app.edges.policy_files import load_policy, read_documents
from app.edges.problems import FieldError, Problem, invalid, invalid_body
from app.edges.understanding import cache_folder, complete, load_understanding
from app.main import configured_resolvers, missing_channels, role_sources
from app.ports.callbacks import callback_problem
from app.ports.directory import SlackDirectory
from app.ports.errors import Misconfigured, PortError
from app.ports.resolvers.configured import resolver_problems
from app.ports.slack import slack_client
from app.settings import Settings
from db.store import Reader

Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Directory = Annotated[Path | None, typer.Argument(help="Default: COUNTERSIGN_POLICY_DIR.")]
_HASH = re.compile(r"[0-9a-f]{6,64}")
# What a case that was never posted is called.
_NOT_POSTED = "c_not_posted"
_LISTED = 200


def check(
    directory: Directory = None,
    slack: Annotated[
        bool, typer.Option("--slack", help="Also ask Slack: channels that exist, roles with members.")
    ] = False,
    json: Json = False,
) -> None:
    """Load the policy as `serve` would and review it. Mistakes and errors exit 1; warnings and gaps are listed."""
    settings = read_settings()
    where = directory or settings.countersign_policy_dir
    try:
        documents, lines = read_documents(where)
        policy = compile_policy(documents, lines=lines)
        load_understanding(where, cache_folder())
    except PolicyError as error:
        if json:
            print_json({"ok": False, "problems": [str(p) for p in error.problems], "remarks": []})
        else:
            for problem in error.problems:
                typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None
    remarks = (
        *review(policy, lines),
        *_resolver_remarks(settings, policy),
        *(_slack_remarks(settings, policy) if slack else ()),
    )
    bad = any(remark.level == "error" for remark in remarks)
    if json:
        shown = [msgspec.to_builtins(remark) for remark in remarks]
        print_json({"ok": not bad, "snapshot": policy.snapshot, "problems": [], "remarks": shown})
    else:
        for level in LEVELS:
            for remark in remarks:
                if remark.level == level:
                    typer.echo(f"{level.upper() if level == 'error' else level:8} {remark}", err=level == "error")
        verdict = "The policy loads, but must not act as it is." if bad else "The policy is good."
        typer.echo(f"{verdict} Snapshot {policy.snapshot[:12]}.")
    raise typer.Exit(1 if bad else 0)


def explain_case(
    case: Annotated[
        str, typer.Argument(metavar="CASE", help="A file as posted to /v1/cases, - for standard input, or a case id.")
    ],
    policy_dir: Annotated[
        Path | None, typer.Option("--policy", help="For a file. Default: COUNTERSIGN_POLICY_DIR.")
    ] = None,
    verified: Annotated[
        bool, typer.Option("--assert-transaction", help="As from a key that may vouch for transactions.")
    ] = False,
    json: Json = False,
) -> None:
    """What policy says of a case, and why: in words, with nothing a customer wrote. Nothing is stored or sent."""
    settings = read_settings()
    if case != "-" and not Path(case).is_file() and is_case_id(case):
        found, policy = _stored_case(settings, case)
    else:
        policy_dir = policy_dir or settings.countersign_policy_dir
        found, policy = _posted_case(settings, case, policy_dir, verified)
    if found.assessment is None:
        fail(f"{found.id} is not assessed yet.")
    said = explain(found, policy)
    if json:
        print_json(msgspec.to_builtins(said))
        return
    typer.echo(f"Case {said.case_id}, policy {said.snapshot[:12]}.")
    for line in said.lines():
        # Labels and segments come from outside, and a terminal obeys control characters.
        typer.echo("".join(c if c.isprintable() else "?" for c in line))


def diff_policies(
    old: Annotated[
        str, typer.Argument(metavar="[OLD]", help="A directory or a stored snapshot. Default: the one in force.")
    ] = "",
    new: Annotated[str, typer.Argument(metavar="[NEW]", help="Default: COUNTERSIGN_POLICY_DIR.")] = "",
    json: Json = False,
) -> None:
    """What changed between two policies, by file and key; comments and spacing do not count."""
    settings = read_settings()
    before = _documents(settings, old) if old else _in_force(settings).documents
    after = _documents(settings, new or str(settings.countersign_policy_dir))
    changes = diff(before, after)
    if json:
        print_json({"same": not changes, "changes": [msgspec.to_builtins(change) for change in changes]})
        return
    for change in changes:
        typer.echo(str(change))
    typer.echo(f"{len(changes)} {'change' if len(changes) == 1 else 'changes'}." if changes else "They say the same.")


def backtest_policy(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="The changed policy: a directory or a snapshot.")],
    since: Annotated[str, typer.Option(help="How far back, as 12h or 30d.")] = "30d",
    limit: Annotated[int, typer.Option(min=1, help="At most so many cases, the newest.")] = 5_000,
    json: Json = False,
) -> None:
    """Re-run stored cases through a changed policy: what would come out differently, case by case and in sum."""
    try:
        start = datetime.now(UTC) - duration(since)
    except (ValueError, OverflowError):
        raise typer.BadParameter("a number and s, m, h or d, such as 12h or 30d", param_hint="--since") from None
    settings = read_settings()
    new = _compiled(_documents(settings, directory))
    old = _in_force(settings)
    with read_store(settings).reading() as reader:
        cases = (case for case, _ in zip(reader.cases_since(start), range(limit), strict=False))
        result = backtest(cases, old, new, keep=_LISTED)
    if json:
        print_json({"old": old.snapshot, "new": new.snapshot, "since": start, **msgspec.to_builtins(result)})
        return
    for line in _result_lines(result, old, new):
        typer.echo(line)


def _result_lines(result: Result, old: Policy, new: Policy) -> list[str]:
    total = result.total
    if not total.cases:
        return ["No case came in since then."]
    before, after = total.share_automatic()
    lines = [str(change) for change in result.changes]
    if len(lines) < total.changed:
        lines.append(f"and {total.changed - len(lines)} more")
    lines += [
        *([""] if lines else []),
        f"{total.cases} cases under {old.snapshot[:12]} and {new.snapshot[:12]}: {total.changed} would come out"
        f" differently, {total.stricter} stricter, {total.looser} looser.",
        f"Without a person: {before:.1%} before, {after:.1%} after; {total.newly_automatic} newly.",
    ]
    for title, counts in (("Changes", total.by_change), ("By rule", total.by_rule)):
        lines += [f"{title}:"] if counts else []
        lines += [f"  {count:6}  {what}" for what, count in counts.items()]
    lines += ["Cases people are asked about, by queue, before and after:"]
    lines += [f"  {was:6} {now:6}  #{channel}" for channel, (was, now) in total.load.items()]
    return lines


# --- a case ------------------------------------------------------------------------------------------------------


def _posted_case(settings: Settings, source: str, policy_dir: Path, verified: bool) -> tuple[Case, Policy]:
    """The case as intake would make of a posted body, by the same checks and the same machine."""
    try:
        body = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{source} cannot be read: {error.strerror}", param_hint="CASE") from None
    scopes: frozenset[Scope] = DEFAULT_SCOPES | {"assert_transaction"} if verified else DEFAULT_SCOPES
    try:
        given = _checked(parse_object(body), settings)
    except Problem as problem:
        said = [f"{error.field}: {error.detail}" for error in problem.errors] or [problem.detail]
        fail("/v1/cases would refuse this case:", *said)
    command = receive_case(given, _NOT_POSTED, ApiKey(name="explain", scopes=scopes))
    try:
        policy = load_policy(policy_dir)
        understanding = load_understanding(policy_dir, cache_folder())
    except PolicyError as error:
        fail(*map(str, error.problems))
    filled = complete(command, understanding) if understanding else command
    outcome = decide(None, filled, World(now=datetime.now(UTC), policy=policy, active=policy))
    return outcome.case, policy


def _checked(raw: dict[str, Any], settings: Settings) -> NewCase:
    try:
        given = NewCase.model_validate(raw)
    except ValidationError as error:
        raise invalid_body(error) from None
    url = given.callback_url
    if url is not None and (problem := callback_problem(url, settings.callback_hosts)):
        raise invalid(FieldError(("callback_url",), problem.removeprefix("callback_url ")))
    return given


def _stored_case(settings: Settings, case_id: str) -> tuple[Case, Policy]:
    with read_store(settings).reading() as reader:
        case = reader.case(case_id)
        if case is None:
            fail(f"There is no case {case_id}, and no file of that name.")
        documents = _snapshot(reader, case.policy_snapshot)
    return case, _compiled(documents)


# --- policies ----------------------------------------------------------------------------------------------------


def _documents(settings: Settings, named: str) -> PolicyDocuments:
    """Of a directory, or of a stored snapshot by the beginning of its hash."""
    if _HASH.fullmatch(named) and not Path(named).is_dir():
        with read_store(settings).reading() as reader:
            found = reader.snapshots_like(named)
            if len(found) != 1:
                fail(f"{'No stored policy' if not found else 'More than one stored policy'} begins with {named}.")
            return _snapshot(reader, found[0])
    try:
        return read_documents(Path(named))[0]
    except PolicyError as error:
        fail(*map(str, error.problems))


def _in_force(settings: Settings) -> Policy:
    """The policy the store says is in force; before anything is stored, the configured directory's."""
    url = settings.database_url.get_secret_value()
    scheme, _, path = url.partition(":///")
    if scheme == "sqlite" and not Path(path).exists():
        return _compiled(_documents(settings, str(settings.countersign_policy_dir)))
    with read_store(settings).reading() as reader:
        active = reader.office().active
        stored = _snapshot(reader, active) if active else None
    return _compiled(stored or _documents(settings, str(settings.countersign_policy_dir)))


def _snapshot(reader: Reader, snapshot: str) -> PolicyDocuments:
    stored = reader.load_snapshot(snapshot)
    if stored is None:
        fail(f"The policy {snapshot[:12]} is not in the database.")
    return msgspec.json.decode(stored, type=PolicyDocuments)


def _compiled(documents: PolicyDocuments) -> Policy:
    try:
        return compile_policy(documents)
    except PolicyError as error:
        fail(*map(str, error.problems))


def _resolver_remarks(settings: Settings, policy: Policy) -> list[Remark]:
    """Dynamic roles that this installation's settings leave without an answer. Asks nobody."""
    if not any(spec.resolver for spec in policy.roles.values()):
        return []
    client = slack_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
    try:
        found = resolver_problems(policy.roles, configured_resolvers(settings, client))
    except Misconfigured as error:
        found = [str(error)]
    return [Remark(level="warning", file="roles.yaml", key="roles", message=text) for text in found]


def _slack_remarks(settings: Settings, policy: Policy) -> list[Remark]:
    """What `doctor` asks of Slack about this policy, whether or not it is the one in force."""
    token = settings.slack_bot_token.get_secret_value()
    if not token:
        raise typer.BadParameter("SLACK_BOT_TOKEN is not set", param_hint="--slack")
    directory = SlackDirectory(slack_client(token, settings.slack_api_url), role_sources(policy))
    try:
        missing = missing_channels(policy, directory.load())
    except PortError as error:
        fail(f"Slack cannot be read: {error}")
    found = [Remark(level="error", file="roles.yaml", key="roles", message=text) for text in missing]
    others = [text for text in directory.problems() if text not in missing]
    return found + [Remark(level="warning", file="roles.yaml", key="roles", message=text) for text in others]
