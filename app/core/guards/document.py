"""The shape of guardrails.yaml. The published JSON Schema is made from these types, so the two cannot part.

The text in `description` is what an editor shows the rule's owner.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from app.core.findings import Entity, FindingAction, FindingType

Identifier = Annotated[str, Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Role = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$", max_length=80)]
Language = Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="BCP 47, such as en or pt-BR")]
Sentence = Annotated[str, Meta(min_length=1, max_length=1000)]
Pattern = Annotated[str, Meta(min_length=1, max_length=2000, description="See the pattern language at the file's top")]
Patterns = Annotated[list[Pattern], Meta(max_length=400)]
Phrases = dict[Language, Patterns]
Owner = Literal["billing", "legal", "security"]
ValidatorName = Literal[
    "credit_card",
    "iban",
    "us_ssn",
    "phone",
    "phone_shape",
    "ip_address",
    "national_id",
    "es_national_id",
    "fr_national_id",
    "de_tax_id",
    "host_not_allowed",
]
Detector = Literal["hidden_text", "encoded_payload", "echo", "facts"]
Flag = Literal["human_request", "chargeback", "do_not_answer"]


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Guidance(Struct, frozen=True, kw_only=True):
    text: Annotated[str, Meta(max_length=1000, description="What the reader should do instead")] = ""
    link: Annotated[str, Meta(pattern="^(https://.*)?$", max_length=500)] = ""


class Match(Struct, frozen=True, kw_only=True):
    any: Annotated[Patterns, Meta(description="Patterns of no language: numbers, addresses, codes")] = []
    phrases: Annotated[Phrases, Meta(description="Patterns by language")] = {}
    validator: Annotated[ValidatorName | None, Meta(description="Checksum or lookup a match must pass to count")] = None
    regions: Annotated[
        list[Annotated[str, Meta(pattern="^[A-Z]{2}$")]],
        Meta(max_length=60, description="Countries whose phone numbers are known without +code, or whose ids are"),
    ] = []
    detect: Annotated[Detector | None, Meta(description="A built-in detector, for what no pattern can say")] = None
    facts: Annotated[
        dict[str, Entity],
        Meta(description="For echo and facts: account facts to look for, and what entity each one is"),
    ] = {}


class Context(Struct, frozen=True, kw_only=True):
    phrases: Phrases
    within: Annotated[int, Meta(ge=1, le=400, description="Characters between the match and a context phrase")] = 40
    asked: Annotated[
        bool, Meta(description="Also counts when the previous turn (the question) holds a context phrase")
    ] = False


class Exceptions(Struct, frozen=True, kw_only=True):
    match: Annotated[Phrases, Meta(description="The match does not count with one of these inside it")] = {}
    before: Annotated[
        Phrases, Meta(description="The match does not count with one of these in or up to 30 characters before it")
    ] = {}
    label: Annotated[
        Phrases, Meta(description="The match does not count right after one of these: they say it is something else")
    ] = {}
    sentence: Annotated[Phrases, Meta(description="The match does not count with one of these in its sentence")] = {}
    text: Annotated[Phrases, Meta(description="The match does not count with one of these anywhere in the text")] = {}
    previous: Annotated[
        Phrases, Meta(description="The match does not count with one of these in the previous turn (the question)")
    ] = {}


class Rule(Struct, frozen=True, kw_only=True):
    id: Identifier
    owner: Annotated[Owner, Meta(description="Who signs off changes to this rule")]
    type: FindingType
    action: Annotated[
        dict[Annotated[str, Meta(pattern="^(input|output)$")], FindingAction],
        Meta(min_length=1, description="What to do on each side the rule looks at (input: customer, output: us)"),
    ]
    reason: Annotated[Sentence, Meta(description="In your own words: shown to the person who decides")]
    match: Match
    guidance: Guidance = Guidance()
    overridable_by: Annotated[
        Role | None, Meta(description="The role that may override a block; none when left out")
    ] = None
    entity: Annotated[Entity | None, Meta(description="Kind of personal data; for rules of type pii")] = None
    sensitive: bool = False
    flags: list[Flag] = []
    context: Context | None = None
    exceptions: Annotated[Exceptions, Meta(description="What makes a match harmless")] = Exceptions()
    unless: Annotated[
        Literal["transaction_verified"] | None,
        Meta(description="The rule is off once the transaction is known to have happened"),
    ] = None


class Topic(Struct, frozen=True, kw_only=True):
    id: Identifier
    title: Sentence
    owner: Owner
    type: FindingType = "policy"
    reason: Sentence
    phrases: Phrases
    exceptions: Annotated[Exceptions, Meta(description="What makes a match harmless")] = Exceptions()
    guidance: Guidance = Guidance()


class Template(Struct, frozen=True, kw_only=True):
    id: Identifier
    title: Sentence
    text: Annotated[str, Meta(min_length=1, max_length=20_000)]
    language: Language = "en"


class Links(Struct, frozen=True, kw_only=True):
    allowed_hosts: Annotated[
        list[Annotated[str, Meta(pattern=r"^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=253)]],
        Meta(max_length=500, description="Hosts a reply may link to; *.example.com is every host below it"),
    ] = []


class Names(Struct, frozen=True, kw_only=True):
    model: Annotated[
        str,
        Meta(
            min_length=1, max_length=300, description="An installed spaCy pipeline that marks people, or its directory"
        ),
    ]


class Document(Struct, frozen=True, kw_only=True):
    format: Annotated[Literal[1], Meta(description="Version of this file's format")]
    words: Annotated[
        dict[Annotated[str, Meta(pattern="^[a-z_]+$")], Phrases],
        Meta(description="Word lists, by name and language; {name} in a pattern stands for any of them"),
    ] = {}
    links: Links = Links()
    names: Annotated[
        Names | None, Meta(description="Finds people's names with spaCy (the extra called ner); left out: it is off")
    ] = None
    rules: Annotated[list[Rule], Meta(min_length=1, max_length=500)]
    do_not_answer: Annotated[list[Topic], Meta(max_length=200)] = []
    templates: Annotated[list[Template], Meta(max_length=1000)] = []


def json_schema() -> dict[str, Any]:
    """The schema published as policies/schemas/guardrails.schema.json."""
    schema = msgspec.json.schema(Document)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "guardrails.yaml", **schema}
