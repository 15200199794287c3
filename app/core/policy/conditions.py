"""CEL conditions over a fixed vocabulary: checked when a policy loads, failing closed when one cannot be evaluated."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias
from zlib import crc32

import cel
import msgspec
import re2

from app.core.shape import did_you_mean

Facts = Mapping[str, Any]
Scope: TypeAlias = cel.Context

# Every name a condition may read. A missing text is "", a missing number or confidence 0, a missing list empty.
VOCABULARY: Mapping[str, Mapping[str, Any]] = {
    "case": {
        "channel": "email",
        "text": "",  # what the customer wrote in all messages, folded to lower case; its last 20,000 characters
        "subject": "",
        "customer_messages": 1.0,
        "attachments": 0.0,
        "flags": [],  # types and flags of the findings in the customer's messages; also sensitive_pii
        "submitted_by_person": False,
        "has_deadline": False,
        "notes_only": False,
    },
    "customer": {
        "segment": "",
        "contract_value": 0.0,
        "currency": "",
        "regulated": False,
        "industry": "",
        "vip": False,
        "privileged_roles": [],
        "active_escalation": False,
    },
    "signals": {
        "intent": "",
        "intent_known": True,  # it stands in the table of intents
        "intent_confidence": 0.0,
        "sentiment": "",
        "sentiment_confidence": 0.0,
        "negative": 0.0,  # the sentiment's confidence when it is negative, else 0
        "language": "",
        "language_confidence": 0.0,
        "language_spoken": True,  # the queue's role lists this language, or lists none
    },
    "action": {
        "exists": False,
        "type": "",
        "known": True,  # it stands in the table of actions
        "money": False,  # it moves money
        "amount": 0.0,  # without its sign, rounded up; infinite when nobody can read it
        "unreadable": False,
        "currency": "",
        "irreversible": False,
        "verified": False,
        "bulk": False,
    },
    "history": {
        "contacts_7d": 0.0,
        "unresolved_7d": 0.0,
        "rejected_drafts": 0.0,  # in a row
        "sentiment_falling": False,  # over three customer messages
        "repeated_intent": False,  # the same in two customer messages in a row, with a reply between
    },
    "draft": {
        "exists": False,
        "author": "",
        "version": 0.0,
        "confidence": 0.0,
        "text": "",
        "macros": 0.0,  # suggested macros that are approved templates
        "attachments": 0.0,
        "flags": [],  # as case.flags, of the reply's text and what came with it; also blocked
    },
}
FINDING: Mapping[str, Any] = {
    "rule_id": "",
    "type": "",
    "action": "",
    "entity": "",
    "sensitive": False,
    "flags": [],
    "side": "",
    "source": "",
    "owner": "",
}
# Never shown among a reason's facts: what people wrote, not what is known about it.
WRITTEN = frozenset({"case.text", "case.subject", "draft.text"})
# Known only once the rules have been read; further sections may ask for them.
TIER = frozenset({"case.tier", "case.band"})
ROUTED = TIER | {"case.route", "case.required"}

_LITERAL = re.compile(r"""[rR]?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_FIELD = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)(?!\s*\()")
_MACRO = re.compile(r"(\bfindings)?\s*\.\s*(?:exists|exists_one|all|filter|map)\s*\(\s*([A-Za-z_]\w*)\s*,")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
_TRIALS = 48
_NOT_ONE_KIND = "compares or joins what is not of one kind"
_OPERATOR = re.compile(r"^[^A-Za-z]|^@")
_MATCHES = re.compile(
    r"""([A-Za-z_]\w*\s*\.\s*[A-Za-z_]\w*)\s*\.\s*matches\s*\(\s*([rR]?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))\s*\)"""
)
_FUNCTIONS = frozenset(
    {"contains", "startsWith", "endsWith", "matches", "size", "min", "max", "int", "double", "string", "bool", "has"}
)
_FAILURES = (LookupError, ValueError, TypeError, RuntimeError, ArithmeticError)
_PLACEHOLDER = re.compile(r"\{([a-z_]+\.[a-z0-9_]+)\}")


class ConditionError(ValueError):
    """A condition that cannot be used; `hint` says what to try."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Condition(msgspec.Struct, frozen=True, eq=False):
    """A compiled condition. `reads` are the facts it names, as `customer.vip` or `findings`."""

    source: str
    program: Any
    reads: tuple[str, ...]

    def holds(self, scope: Scope) -> bool | None:
        """True or false; None when it could not be evaluated, which counts as true."""
        try:
            result = self.program.execute(scope)
        except _FAILURES:
            return None
        return result if isinstance(result, bool) else None


# Most of a changed policy is as before, and a policy is compiled often while it is tried out.
@lru_cache(maxsize=2000)
def compile_condition(source: str, later: frozenset[str] = frozenset()) -> Condition:
    """Compile and check one condition; `later` are the further facts its section may read. Raises ConditionError."""
    try:
        # CEL's own matches() compiles its pattern at every call, which costs more than all the rest.
        program = cel.compile(_MATCHES.sub(r"matches_re2(\1, \2)", source))
    except ValueError as error:
        detail = str(error).split("ERROR:")[-1].strip().splitlines()[0]
        raise ConditionError(f"not a CEL expression: {detail}", "as in: customer.vip && action.amount > 100") from None
    bare = _LITERAL.sub("''", source)
    loops = {name: bool(over_findings) for over_findings, name in _MACRO.findall(bare)}
    _check_names(program, loops)
    reads = _check_fields(bare, loops, later)
    for receiver, literal in _MATCHES.findall(source):
        root, _, field = re.sub(r"\s", "", receiver).partition(".")
        if not isinstance(VOCABULARY.get(root, {}).get(field, ""), str):
            raise ConditionError(_NOT_ONE_KIND, _kinds(source, reads))
        _check_pattern(cel.compile(literal).execute({}))
    for findings in ([], [dict(FINDING)]):
        _trial(source, program, {**sample_facts(later), "findings": findings}, reads)
    _check_kinds(source, program, reads, later)
    return Condition(source, program, reads)


def scope_of(facts: Facts) -> Scope:
    """The facts in the form conditions read. Making it costs as much as thirty conditions: make it once."""
    return cel.Context(variables=dict(facts), functions={"matches_re2": _matches})


def sample_facts(later: Collection[str] = ()) -> dict[str, Any]:
    """Facts of a case nothing is known of: every name is there."""
    facts: dict[str, Any] = {root: dict(fields) for root, fields in VOCABULARY.items()}
    facts["case"] |= {name.partition(".")[2]: "" for name in later}
    return facts | {"findings": []}


def placeholders(text: str) -> tuple[str, ...]:
    return tuple(_PLACEHOLDER.findall(text))


def fill(text: str, facts: Facts) -> str:
    """The owner's words with {customer.segment} and the like replaced by the fact."""
    return _PLACEHOLDER.sub(lambda match: spell(facts, match[1]), text)


def spell(facts: Facts, path: str) -> str:
    """A fact as people write it. Short, whatever it came from."""
    root, _, field = path.partition(".")
    value = facts[root] if not field else facts[root].get(field, "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "unreadable" if value == float("inf") else f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        words = dict.fromkeys(v["type"] if isinstance(v, dict) else str(v) for v in value)
        return ", ".join(words)[:200] or "none"
    return str(value)[:80] or "none"


def _matches(text: str, pattern: str) -> bool:
    return _pattern(pattern).search(text) is not None


@lru_cache(maxsize=2000)
def _pattern(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _check_pattern(pattern: str) -> None:
    try:
        _pattern(pattern)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ConditionError(f"not a pattern: {reason}", "see the syntax of RE2") from None


def _check_names(program: Any, loop_names: Collection[str]) -> None:
    known = {*VOCABULARY, "findings"}
    for name in program.variables():
        if name not in known and name not in loop_names:
            hint = did_you_mean(name, known) or f"known: {', '.join(sorted(known))}"
            raise ConditionError(f"unknown name {name}", hint)
    for name in program.functions():
        if not _OPERATOR.match(name) and name not in _FUNCTIONS and name != "matches_re2":
            hint = did_you_mean(name, _FUNCTIONS) or f"known: {', '.join(sorted(_FUNCTIONS))}"
            raise ConditionError(f"unknown function {name}()", hint)


def _check_fields(bare: str, loops: Mapping[str, bool], later: Collection[str]) -> tuple[str, ...]:
    reads: dict[str, None] = {}
    for root, field in _FIELD.findall(bare):
        if loops.get(root):
            known: Collection[str] = FINDING
        elif root in VOCABULARY:
            known = {*VOCABULARY[root], *(n.partition(".")[2] for n in later if n.startswith(f"{root}."))}
            reads[f"{root}.{field}"] = None
        else:
            continue
        if field not in known:
            raise ConditionError(f"unknown name {root}.{field}", _field_hint(root, field, known))
    if re.search(r"(?<![\w.])findings\b", bare):
        reads["findings"] = None
    for root in VOCABULARY:
        if re.search(rf"(?<![\w.])(?:{root})\b(?!\s*\.\s*\w)", bare):
            raise ConditionError(
                f"{root} is a group of facts, not a fact", f"as in: {root}.{next(iter(VOCABULARY[root]))}"
            )
    return tuple(reads)


def _field_hint(root: str, field: str, known: Collection[str]) -> str:
    if f"{root}.{field}" in ROUTED:
        return "known only later: use it in handling, escalation or stages"
    return did_you_mean(field, known) or f"known: {', '.join(sorted(known))}"


def _check_kinds(source: str, program: Any, reads: Collection[str], later: Collection[str]) -> None:
    """`vip && segment > 3` fails for VIPs alone: try facts that lead past each && and || to what stands behind."""
    words = ["", *(cel.compile(literal[0]).execute({}) for literal in _LITERAL.finditer(source))]
    numbers = [0.0, *(float(n) + d for n in _NUMBER.findall(_LITERAL.sub("", source)) for d in (-1, 0, 1))]
    facts = sample_facts(later)
    for trial in range(_TRIALS):
        for path in reads:
            root, _, field = path.partition(".")
            if field:
                facts[root][field] = _pick(f"{trial} {path}", facts[root][field], words, numbers)
        facts["findings"] = [{n: _pick(f"{trial} {n}", default, words, numbers) for n, default in FINDING.items()}]
        try:
            program.execute(scope_of(facts))
        except _FAILURES as error:
            # What fails on a value alone counts as true where it happens.
            if _is_mixed(error):
                raise ConditionError(_NOT_ONE_KIND, _kinds(source, reads)) from None


def _pick(seed: str, default: object, words: Sequence[str], numbers: Sequence[float]) -> object:
    """A value of the default's kind, always the same for a seed."""
    turn = crc32(seed.encode()) >> 4
    match default:
        case bool():
            return turn % 2 == 1
        case float():
            return numbers[turn % len(numbers)]
        case list():
            return list(words[1:]) if turn % 2 else []
    return words[turn % len(words)]


def _kinds(source: str, reads: Collection[str]) -> str:
    names = {bool: "yes or no", float: "a number", str: "text", list: "a list"}
    facts = sample_facts(ROUTED)
    known = [(p, facts[root][field]) for p in reads for root, _, field in [p.partition(".")] if field]
    sums = ["in sums write 2.0, not 2"] if re.search(r"[-+*/%]", _LITERAL.sub("", source)) else []
    return "; ".join([*(f"{path} is {names[type(default)]}" for path, default in known[:4]), *sums])


def _trial(source: str, program: Any, facts: Facts, reads: Collection[str]) -> None:
    try:
        result = program.execute(scope_of(facts))
    except _FAILURES as error:
        if _is_mixed(error):
            raise ConditionError(_NOT_ONE_KIND, _kinds(source, reads)) from None
        raise ConditionError(f"cannot be evaluated: {str(error).splitlines()[0][:200]}") from None
    if not isinstance(result, bool):
        raise ConditionError(f"gives {type(result).__name__}, not true or false", "compare it: … == 'x', … > 0")


def _is_mixed(error: Exception) -> bool:
    """Kinds that do not go together, rather than a value that is not there."""
    return isinstance(error, TypeError) or "Undefined variable or function" in str(error)
