"""What the demo's cases are put together from."""

from typing import Any

Json = dict[str, Any]

# Left out where a person wrote the draft.
BY_AI: Json = {"author": "ai", "model_name": "support-writer-2", "prompt_template_version": "reply-14"}
_HELP = "https://help.example.com"
POLICIES = "https://support.example.com/policies"


def signals(intent: str, sure: float, sentiment: str = "neutral", felt: float = 0.9, language: str = "en") -> Json:
    return {
        "intent": {"label": intent, "confidence": sure},
        "sentiment": {"label": sentiment, "confidence": felt},
        "language": {"label": language, "confidence": 0.98},
    }


def source(title: str, path: str) -> Json:
    return {"title": title, "url": path if path.startswith("https://") else f"{_HELP}/{path}"}


def facts(**facts: str) -> list[Json]:
    return [{"label": label.replace("_", " "), "value": value} for label, value in facts.items()]


def says(text: str) -> Json:
    return {"author": "customer", "text": text}
