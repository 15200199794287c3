"""What is known around a text: the previous turn, the account, the customer's message, the transaction."""

from __future__ import annotations

from collections.abc import Callable

from app.core.findings import Finding, most_severe
from app.core.guards import Rules
from tests.guards.conftest import Found

Findings = Callable[..., tuple[Finding, ...]]


def test_bare_answer_counts_only_after_its_question(found: Found) -> None:
    assert found("4821") == {}
    assert found("4821", previous="What are the last four of your SSN?") == {"pii-us-ssn-in-context": ["4821"]}
    assert found("12/05/1990", previous="And your date of birth?") == {"pii-date-of-birth": ["12/05/1990"]}
    assert found("55501874", previous="Which number can we call?") == {"pii-phone-in-context": ["55501874"]}


def test_number_to_call_is_known_alone_unless_another_was_asked_for(found: Found) -> None:
    assert found("it's 2125550187.") == {"pii-phone-alone": ["2125550187"]}
    assert found("2125550187", previous="What is your order number?") == {}


def test_nearest_label_says_what_a_number_is(found: Found) -> None:
    assert found("my ssn is 4821 and my account number is 55779911") == {
        "pii-us-ssn-in-context": ["4821"],
        "pii-bank-account": ["55779911"],
    }
    assert found("account number 55779911, ssn 4821") == {
        "pii-bank-account": ["55779911"],
        "pii-us-ssn-in-context": ["4821"],
    }
    assert found("call me about order number 302 1234 5678") == {}
    assert found("My SSN ends in 4821") == {"pii-us-ssn-in-context": ["4821"]}


def test_verified_transaction_frees_money_commitments_only(found: Found) -> None:
    text = "We have issued a refund of $40.10. I have verified your identity. We guarantee it."
    assert {"commit-refund-done", "commit-identity-verified", "legal-absolute"} <= set(found(text, "output"))
    verified = found(text, "output", transaction_verified=True)
    assert "commit-refund-done" not in verified
    assert {"commit-identity-verified", "legal-absolute"} <= set(verified)


def test_reply_that_repeats_the_customers_data_is_found(findings: Findings) -> None:
    message = "My SSN ends in 4821 and my mail is jo@mail.example.org"
    echoed = findings("Is it 4821, at jo@mail.example.org?", "output", message=message)
    assert [(f.rule_id, f.entity, f.action) for f in echoed] == [
        ("echo-sensitive", "US_SSN", "blocked"),
        ("echo-contact", "EMAIL", "masked"),
    ]
    assert findings("Is it right now?", "output", message=message) == ()


def test_reply_that_repeats_account_facts_is_found(findings: Findings) -> None:
    customer = {"email": "Jo@Mail.example.org", "phone": "+1 212-555-0187", "date_of_birth": "1990-05-12"}
    echoed = findings("We called 1 (212) 555 0187 about 1990-05-12.", "output", customer=customer)
    assert [(f.entity, f.action) for f in echoed] == [("PHONE", "masked"), ("DATE_OF_BIRTH", "blocked")]


def test_greeting_by_name_is_no_echo_but_a_name_in_a_message_is_contact_data(found: Found) -> None:
    customer = {"name": "Dana Scully"}
    assert found("Hello Dana, thank you.", "output", customer=customer, message="I am Dana Scully") == {}
    assert found("Regards, Dana Scully", customer=customer) == {"pii-account-name": ["Dana Scully"]}
    assert found("Regards, Bandana", customer=customer) == {}


def test_missing_account_facts_match_nothing(found: Found) -> None:
    assert found("none of it works", customer={"name": None, "email": ""}) == {}


def test_links(found: Found) -> None:
    allowed = ("https://example.com", "http://help.example.com/a?b=c", "www.example.com", "jo@elsewhere.org")
    for text in allowed:
        assert found(f"See {text} now", "output") == {}, text
    refused = (
        "https://example.com.evil.test/",
        "https://example.com@evil.test/",
        "https://evil.test#example.com",
        "https://exаmple.com",  # Cyrillic a
        "https://exam\u200bple.com",
        "evil[.]com",
        "[help](http://evil.test)",
        "//evil.test/x",
        "javascript:alert(1)",
        "hxxps://evil.test",
        "notexample.com",
    )
    for text in refused:
        assert "link-not-allowed" in found(f"See {text} now", "output"), text


def test_finding_tells_whose_rule_it_is(findings: Findings, rules: Rules) -> None:
    (finding,) = findings("We have issued a refund.", "output")
    assert (finding.type, finding.action, finding.owner, finding.side) == ("refunds", "blocked", "billing", "output")
    assert finding.overridable_by == "billing_approver"
    assert finding.rule_version == rules.version
    assert finding.reason
    assert finding.guidance
    assert most_severe((finding,)) == "blocked"


def test_flags(findings: Findings) -> None:
    flags = {flag for f in findings("Get me a manager or I file a chargeback") for flag in f.flags}
    assert flags == {"human_request", "chargeback"}


def test_nothing_on_the_input_side_is_blocked(rules: Rules) -> None:
    assert {r.rule.action["input"] for r in rules.rules if "input" in r.rule.action} == {"allowed", "masked"}
