"""What customers want, how they feel and in which language: learnt from intents.yaml, offline. Pure."""

from app.core.understanding.document import FILE, OUT_OF_SCOPE, json_schema
from app.core.understanding.gist import read_gist
from app.core.understanding.history import history_facts, repeated_intent, sentiment_falling
from app.core.understanding.reading import Understanding, compile_understanding, version_of

__all__ = [
    "FILE",
    "OUT_OF_SCOPE",
    "Understanding",
    "compile_understanding",
    "history_facts",
    "json_schema",
    "read_gist",
    "repeated_intent",
    "sentiment_falling",
    "version_of",
]
