"""docs/state-machine.md, written from the code: `python -m tests.docs.machine_page > docs/state-machine.md`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

from app.core.case import FINAL_STATES, STATES
from app.core.digest import DigestCommand
from app.core.machine import ACCEPTED, TRANSITIONS
from app.core.messages import AnyCommand, ByPerson, FireTimer, Receipt
from app.core.office.values import OfficeCommand
from tests.docs.flow import Flow, case_flows, digest_flows, first_line, office_flows

COMMANDS = {kind.__name__: kind for kind in get_args(AnyCommand)}
GROUPS = (
    ("What people do", "Slack clicks, forms and commands. Refused clicks are recorded with their reason."),
    (
        "What callers, customers and owners bring",
        "The API, the helpdesk behind it, the whole workspace.",
    ),
    ("What time brings", "A row that is due, fired once, however late."),
    ("What deliveries bring back", "The outbox reports what became of an effect; its row is settled with the case."),
)
INTRO = """# The state machine

Written from the code by `make docs`, and held against it by a test: what each command may come to is read out of
`app/core`, and thousands of random histories check that nothing else ever happens. A case changes only in
`app.core.machine.decide`; what it tells the outside world are **effects**, stored with the change and delivered after
it. [Approvers](approvers.md) explains the same in the words of the people who decide,
[integrators](integrators.md) what each state means to a caller, [auditors](auditors.md) every event.
"""


def page() -> str:
    flows = case_flows()
    return "\n".join([INTRO, *_states(flows), *_commands(flows), *_office(), *_refusals(flows)])


def _states(flows: Mapping[str, Flow]) -> Iterable[str]:
    pairs: dict[tuple[str, str], list[str]] = {}
    for name, flow in flows.items():
        for before in ACCEPTED[COMMANDS[name]] or ("",):
            for after in flow.states & TRANSITIONS[before]:
                pairs.setdefault((before or "[*]", after), []).append(name)
    order = {state: at for at, state in enumerate(("[*]", *STATES))}
    ordered = sorted(pairs, key=lambda p: (order[p[0]], order[p[1]]))
    yield "## States\n\n```mermaid\nstateDiagram-v2"
    yield from (f"    {before} --> {after}" for before, after in ordered)
    yield from (f"    {state} --> [*]" for state in STATES if state in FINAL_STATES)
    yield "```\n"
    yield "Final states: " + ", ".join(f"`{s}`" for s in STATES if s in FINAL_STATES) + ".\n"
    yield "| From | To | By |\n|---|---|---|"
    for before, after in ordered:
        shown = "no case" if before == "[*]" else f"`{before}`"
        yield f"| {shown} | `{after}` | {_names(pairs[before, after])} |"
    yield ""


def _commands(flows: Mapping[str, Flow]) -> Iterable[str]:
    for number, (title, what) in enumerate(GROUPS):
        yield f"## {title}\n\n{what}\n"
        for name in sorted(n for n in flows if n != "AddCustomerMessage" and _group(n) == number):
            yield from _command(name, flows[name])
    yield (
        "A new customer message (`AddCustomerMessage`) is two commands in one transaction: `Supersede` of the open "
        "case, then `ReceiveCase` of a fresh one. Every change of state also goes to the caller's `Callback`, and a "
        "claim ends with what made it pointless (`CaseReleased`).\n"
    )


def _group(name: str) -> int:
    kind = COMMANDS[name]
    if issubclass(kind, ByPerson):
        return 0
    if issubclass(kind, Receipt):
        return 3
    return 2 if kind is FireTimer else 1


def _command(name: str, flow: Flow) -> Iterable[str]:
    yield f"### {name}\n"
    if said := first_line(COMMANDS[name].__doc__):
        yield f"{said}\n"
    accepted = [s for s in STATES if s in ACCEPTED[COMMANDS[name]]]
    everywhere = len(accepted) == len(STATES)
    yield f"- In: {'every state' if everywhere else _names(accepted) or 'no case yet'}"
    if flow.states:
        yield f"- May lead to: {_names([s for s in STATES if s in flow.states])}"
    yield f"- Records: {_names(sorted(flow.events))}"
    if flow.effects:
        yield f"- Effects: {_names(sorted(flow.effects))}"
    yield from (f"- Looks: {said}" for said in sorted(set(flow.checks.values()) - {""}))
    if flow.refusals:
        yield f"- Refuses: {_names(sorted(flow.refusals))}"
    yield ""


def _office() -> Iterable[str]:
    yield "## The workspace as a whole\n"
    yield "What concerns no single case (`app.core.office`): the policy in force, the switch, delegations, alarms.\n"
    yield from _table(get_args(OfficeCommand), office_flows())
    yield "## Digests\n"
    yield "What concerns a message that lists low-risk cases (`app.core.digest`). Its cases say when it changes.\n"
    yield from _table(get_args(DigestCommand), digest_flows())


def _table(commands: Iterable[type], flows: Mapping[str, Flow]) -> Iterable[str]:
    kinds = {kind.__name__: kind for kind in commands}
    yield "| Command | What | Records | Effects | Refuses |\n|---|---|---|---|---|"
    for name, flow in sorted((name, flow) for name, flow in flows.items() if name in kinds):
        cells = (sorted(flow.events), sorted(flow.effects), sorted(flow.refusals))
        yield f"| `{name}` | {first_line(kinds[name].__doc__)} | {' | '.join(_names(c) for c in cells)} |"
    yield ""


def _refusals(flows: Mapping[str, Flow]) -> Iterable[str]:
    yield "## What people hear when it may not be\n"
    yield "Nothing has changed then. A command that a state does not take is refused in the state's own words.\n"
    said: dict[str, set[str]] = {}
    for flow in (*flows.values(), *office_flows().values(), *digest_flows().values()):
        for code, sentences in flow.refusals.items():
            said.setdefault(code, set()).update(sentences)
    yield "| Code | Sentence |\n|---|---|"
    for code in sorted(said):
        yield f"| `{code}` | {'<br>'.join(sorted(s.replace('|', '/') for s in said[code]))} |"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    print(page())
