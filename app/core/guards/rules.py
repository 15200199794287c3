"""guardrails.yaml compiled: every pattern checked, every mistake named, one prefilter a side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

import jsonschema
import msgspec
import rfc8785

from app.core.errors import PolicyError, PolicyProblem
from app.core.findings import Side
from app.core.guards.document import Document, Match, Phrases, Rule, Template, Topic, json_schema
from app.core.guards.national_ids import CHECKS
from app.core.guards.patterns import Pattern, PatternError, Prefilter, Words, compile_any, compile_pattern
from app.core.shape import WHOLE_FILE, shape_problems

FILE = "guardrails.yaml"
SIDES: tuple[Side, ...] = ("input", "output")
# The rule that names found by a model count as.
PERSON_RULE = "pii-person"


class CompiledRule(NamedTuple):
    order: int
    rule: Rule
    patterns: tuple[Pattern, ...]
    context: Pattern | None
    match_exceptions: Pattern | None
    before_exceptions: Pattern | None
    label_exceptions: Pattern | None
    sentence_exceptions: Pattern | None
    text_exceptions: Pattern | None
    previous_exceptions: Pattern | None


class Index(NamedTuple):
    """A prefilter over all patterns of a side. Its first pattern matches every text: its absence means the set gave
    up, and then every rule is tried, so that running out of memory can never hide a hit."""

    prefilter: Any
    entries: tuple[tuple[CompiledRule, Pattern], ...]

    def candidates(self, data: bytes) -> Iterator[tuple[CompiledRule, Pattern]]:
        numbers = sorted(self.prefilter.Match(data) or ())
        if not numbers or numbers[0] != 0:
            return iter(self.entries)
        return (self.entries[n - 1] for n in numbers[1:])


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """A guardrail policy ready to scan with. `version` is the hash of the document's canonical JSON."""

    version: str
    rules: tuple[CompiledRule, ...]
    index: Mapping[Side, Index]
    allowed_hosts: tuple[str, ...]
    templates: tuple[Template, ...]
    do_not_answer: tuple[Topic, ...]
    # What finds people's names, if anything does: see app/edges/names.py.
    names_model: str | None


class _Problems(list[PolicyProblem]):
    def add(self, key: str, message: str, hint: str = "") -> None:
        self.append(PolicyProblem(file=FILE, key=key, message=message, hint=hint))


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


_Entry = tuple[str, str, str | None]


def _phrases(key: str, phrases: Phrases) -> list[_Entry]:
    return [
        (f"{key}.{language}[{i}]", pattern, language)
        for language, patterns in phrases.items()
        for i, pattern in enumerate(patterns)
    ]


def _patterns(entries: Sequence[_Entry], words: Words, problems: _Problems) -> tuple[Pattern, ...]:
    compiled = []
    for where, pattern, language in entries:
        try:
            compiled.append(compile_pattern(pattern, words, language))
        except PatternError as error:
            problems.add(where, str(error))
    return tuple(compiled)


def _either(entries: Sequence[_Entry], words: Words, problems: _Problems) -> Pattern | None:
    try:
        return compile_any([(pattern, language) for _, pattern, language in entries], words)
    except PatternError as error:
        known = len(problems)
        _patterns(entries, words, problems)
        if len(problems) == known:
            problems.add(entries[0][0].rpartition(".")[0], str(error))
        return None


def _compile_rule(key: str, order: int, rule: Rule, document: Document, problems: _Problems) -> CompiledRule:
    match = rule.match
    if not match.any and not any(match.phrases.values()) and match.detect is None:
        problems.add(f"{key}.match", "nothing to look for", "give any, phrases or detect")
    if match.detect is not None and (match.any or match.phrases or match.validator):
        problems.add(f"{key}.match.detect", "a detector stands alone", "make two rules of it")
    if match.validator in ("phone", "national_id") and not match.regions:
        problems.add(f"{key}.match.regions", "these numbers need at least one country", "for example [US, DE]")
    unknown = sorted(set(match.regions) - CHECKS.keys()) if match.validator == "national_id" else []
    if unknown:
        problems.add(f"{key}.match.regions", f"no check is known for the ids of {', '.join(unknown)}")
    if match.detect == "facts" and not match.facts:
        problems.add(f"{key}.match.facts", "no account fact is named", "for example name: PERSON")
    if (
        rule.type == "pii"
        and rule.entity is None
        and match.detect not in ("echo", "facts")
        and ("input" in rule.action)
    ):
        problems.add(f"{key}.entity", "a pii rule on customer messages names the entity it finds")
    if rule.type != "pii" and rule.entity is not None:
        problems.add(f"{key}.entity", f"a rule of type {rule.type} has no entity")
    entries: list[_Entry] = [(f"{key}.match.any[{i}]", pattern, None) for i, pattern in enumerate(match.any)]
    entries += _phrases(f"{key}.phrases" if key.startswith("do_not") else f"{key}.match.phrases", match.phrases)
    besides = (
        (f"{key}.context.phrases", rule.context.phrases if rule.context else {}),
        (f"{key}.exceptions.match", rule.exceptions.match),
        (f"{key}.exceptions.before", rule.exceptions.before),
        (f"{key}.exceptions.label", rule.exceptions.label),
        (f"{key}.exceptions.sentence", rule.exceptions.sentence),
        (f"{key}.exceptions.text", rule.exceptions.text),
        (f"{key}.exceptions.previous", rule.exceptions.previous),
    )
    patterns = _patterns(entries, document.words, problems)
    return CompiledRule(
        order,
        rule,
        patterns,
        *(_either(_phrases(where, phrases), document.words, problems) for where, phrases in besides),
    )


def _topic_rule(topic: Topic) -> Rule:
    return Rule(
        id=f"do-not-answer-{topic.id}",
        owner=topic.owner,
        type=topic.type,
        action={"input": "allowed", "output": "blocked"},
        reason=topic.reason,
        match=Match(phrases=topic.phrases),
        exceptions=topic.exceptions,
        guidance=topic.guidance,
        flags=["do_not_answer"],
    )


def _unique(key: str, ids: Sequence[str], problems: _Problems) -> None:
    seen: set[str] = set()
    for i, value in enumerate(ids):
        if value in seen:
            problems.add(f"{key}[{i}].id", f"{value!r} is used twice", "ids are for ever: pick a new one")
        seen.add(value)


def _index(rules: Sequence[CompiledRule], side: Side) -> Index:
    entries = [(rule, pattern) for rule in rules if side in rule.rule.action for pattern in rule.patterns]
    return Index(Prefilter([pattern for _, pattern in entries]), tuple(entries))


def compile_rules(document: Mapping[str, object]) -> Rules:
    """Errors: PolicyError with every problem of the document, each with its key."""
    try:
        canonical = rfc8785.dumps(msgspec.to_builtins(document))
    except (rfc8785.CanonicalizationError, TypeError) as error:
        raise PolicyError([PolicyProblem(file=FILE, key=WHOLE_FILE, message=f"has no JSON form: {error}")]) from None
    return _compile_canonical(canonical)


# A case is checked against its own snapshot and the active policy, so a few versions are in use at a time.
@lru_cache(maxsize=8)
def _compile_canonical(canonical: bytes) -> Rules:
    content = msgspec.json.decode(canonical)
    if wrong := shape_problems(FILE, _validator(), content):
        raise PolicyError(wrong)
    parsed = msgspec.convert(content, Document)
    problems = _Problems()
    _unique("rules", [r.id for r in parsed.rules], problems)
    _unique("do_not_answer", [t.id for t in parsed.do_not_answer], problems)
    _unique("templates", [t.id for t in parsed.templates], problems)
    if parsed.names and not any(r.id == PERSON_RULE for r in parsed.rules):
        problems.add("names", f"there is no rule {PERSON_RULE!r}, which says what to do with a name")
    sources = [(f"rules[{i}]", rule) for i, rule in enumerate(parsed.rules)]
    sources += [(f"do_not_answer[{i}]", _topic_rule(topic)) for i, topic in enumerate(parsed.do_not_answer)]
    rules = [_compile_rule(key, n, rule, parsed, problems) for n, (key, rule) in enumerate(sources)]
    if problems:
        raise PolicyError(problems)
    return Rules(
        version=hashlib.sha256(canonical).hexdigest(),
        rules=tuple(rules),
        index={side: _index(rules, side) for side in SIDES},
        allowed_hosts=tuple(host.lower() for host in parsed.links.allowed_hosts),
        templates=tuple(parsed.templates),
        do_not_answer=tuple(parsed.do_not_answer),
        names_model=parsed.names.model if parsed.names else None,
    )
