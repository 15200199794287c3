"""What others answer to the same texts. Packages of the extra `bench` are looked for, never needed."""

from __future__ import annotations

import importlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from bench.guard_sets import ENTITIES, STRUCTURED, Answer, Span
from bench.report import Peer

Phrases = Mapping[str, Sequence[str]]
# Below it presidio loses precision and finds nothing more of these entities.
PRESIDIO_SCORE = 0.35

# The floor: what anybody would write down first. Any of these phrases sets the flag.
WORDS: Mapping[str, str] = {
    "refunds": """
        refund issued|refund processed|refund will be|have refunded|has been refunded|has been canceled|
        has been cancelled|have been canceled|have been cancelled|have canceled|have cancelled|has been updated|
        have updated|has been credited|will be credited|successfully
    """,
    "human_request": """
        human|real person|live person|representative|live agent|speak to someone|talk to someone|talk to a person|
        manager|supervisor|operator
    """,
    "security": """
        hacked|lost|stolen|stole|fraud|unauthorized|unauthorised|phishing|breach|compromised|suspicious|scam|
        do not recognize|don't recognize
    """,
    "chargeback": "chargeback|charge back|dispute the charge|dispute this charge|dispute with my bank",
}


class NaiveBayes:
    """Words of the same phrases, multinomial naive Bayes with its own idea of a probability."""

    def __init__(self, intents: Phrases, words: Phrases) -> None:
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        for label, phrase in _filled(intents, words):
            self._counts[label].update(self._words(phrase))
        self._vocabulary = len({word for counts in self._counts.values() for word in counts})

    def read(self, text: str) -> Answer:
        scores = {
            label: sum(
                math.log((counts[word] + 0.5) / (counts.total() + 0.5 * self._vocabulary)) for word in self._words(text)
            )
            for label, counts in self._counts.items()
        }
        best = max(scores, key=lambda label: scores[label])
        return best, 1 / sum(math.exp(score - scores[best]) for score in scores.values())

    @staticmethod
    def _words(text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())


def intent_peers(document: Mapping[str, Any]) -> tuple[Peer[Answer], ...]:
    """Taught by the phrases of intents.yaml, as the product's own classifier is."""
    intents, words = document["intents"], document["words"]
    return (
        Peer("naive Bayes", NaiveBayes(intents, words).read),
        optional_peer("TF-IDF with logistic regression", lambda: _regression(list(_filled(intents, words)))),
    )


def language_peers() -> tuple[Peer[str], ...]:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return (Peer("py3langid as it comes", lambda text: str(identifier.classify(text)[0])),)


def sentiment_peers() -> tuple[Peer[str], ...]:
    vader = SentimentIntensityAnalyzer()

    def read(text: str) -> str:
        compound = vader.polarity_scores(text)["compound"]
        return "positive" if compound >= 0.05 else "negative" if compound <= -0.05 else "neutral"

    return (Peer("VADER's own thresholds, no probabilities", read),)


def injection_peers() -> tuple[Peer[bool], ...]:
    return (optional_peer("ai-injection-guard", _injection_guard),)


def pii_peers() -> tuple[Peer[list[Span]], ...]:
    """Structured personal data only: the rest needs a language model."""
    return (optional_peer(f"presidio-analyzer, its patterns alone, score >= {PRESIDIO_SCORE}", _presidio),)


def word_peers(flag: str) -> tuple[Peer[bool], ...]:
    listed = re.compile("|".join(rf"\b{re.escape(words.strip())}\b" for words in WORDS[flag].split("|")), re.IGNORECASE)
    return (Peer("a list of words", lambda text: listed.search(text) is not None),)


def optional_peer(name: str, build: Callable[[], Callable[[str], Any]]) -> Peer[Any]:
    """Says so in its name where `build` lacks a package."""
    try:
        return Peer(name, build())
    except ModuleNotFoundError:
        return Peer(f"{name}: not installed", None)


def _filled(intents: Phrases, words: Phrases) -> Iterator[tuple[str, str]]:
    for label, phrases in intents.items():
        for phrase in phrases:
            yield label, re.sub(r"\{(\w+)\}", lambda slot: str(words[slot[1]][0]), phrase)


def _regression(examples: Sequence[tuple[str, str]]) -> Callable[[str], Answer]:
    text = importlib.import_module("sklearn.feature_extraction.text")
    linear = importlib.import_module("sklearn.linear_model")
    pipeline = importlib.import_module("sklearn.pipeline")
    model = pipeline.make_pipeline(
        text.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        linear.LogisticRegression(C=10, max_iter=300, class_weight="balanced"),
    )
    model.fit([phrase for _, phrase in examples], [label for label, _ in examples])

    def read(message: str) -> Answer:
        likely = model.predict_proba([message])[0]
        return str(model.classes_[likely.argmax()]), float(likely.max())

    return read


def _injection_guard() -> Callable[[str], bool]:
    scanner = importlib.import_module("prompt_shield").PromptScanner(threshold="MEDIUM")
    return lambda text: not scanner.scan(text).is_safe


def _presidio() -> Callable[[str], list[Span]]:
    """Without a model, words are their own lemmas, so that its context words still raise a score."""
    analyzer = importlib.import_module("presidio_analyzer")
    engines = importlib.import_module("presidio_analyzer.nlp_engine")
    spacy = importlib.import_module("spacy")
    # It would ask the network for the list of top-level domains; a copy comes with the package.
    importlib.import_module("tldextract.tldextract").TLD_EXTRACTOR.suffix_list_urls = ()

    def word_as_lemma(doc: Any) -> Any:
        for token in doc:
            token.lemma_ = token.lower_
        return doc

    spacy.Language.component("word_as_lemma", func=word_as_lemma)
    blank = spacy.blank("en")
    blank.add_pipe("word_as_lemma")
    engine = engines.SpacyNlpEngine()
    engine.nlp = {"en": blank}
    registry = analyzer.RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    machine = analyzer.AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
    names = [name for name, entity in ENTITIES.items() if entity in STRUCTURED]

    def find(text: str) -> list[Span]:
        found = machine.analyze(text, language="en", entities=names, score_threshold=PRESIDIO_SCORE)
        return [(f.start, f.end, ENTITIES[f.entity_type]) for f in found]

    return find
