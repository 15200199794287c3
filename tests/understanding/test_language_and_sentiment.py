"""Languages by script and by letters; feelings in English only."""

from __future__ import annotations

import pytest

from app.core.case import Signal
from app.core.understanding import compile_understanding
from tests.understanding.shipped import a_document, shipped


def language(text: str, previous: str = "") -> Signal:
    found = shipped().read(text, previous).language
    assert found is not None
    return found


def sentiment(text: str) -> Signal:
    found = shipped().read(text).sentiment
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Where is my parcel?", "en"),
        ("Wo ist mein Paket geblieben?", "de"),
        ("Où est passé mon colis ?", "fr"),
        ("¿Dónde está mi paquete?", "es"),
        ("Dov'è finito il mio pacco?", "it"),
        ("Onde está a minha encomenda?", "pt"),
        ("Waar blijft mijn pakketje?", "nl"),
        ("Gdzie jest moja paczka?", "pl"),
        ("Kargom nerede kaldı acaba?", "tr"),
        ("Где моя посылка?", "ru"),
        ("Де моя посилка і коли вона прийде?", "uk"),
        ("أين الطرد الخاص بي؟", "ar"),
        ("بسته من کجاست و کی می‌رسد؟", "fa"),
        ("मेरा पार्सल कहाँ है?", "hi"),
    ],
)
def test_a_short_question_is_enough(text: str, label: str) -> None:
    assert language(text).label == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("荷物", "zh"),  # without kana
        ("荷物はどこ", "ja"),
        ("iPhone 15 Proの注文をキャンセルしたい", "ja"),
        ("包裹在哪里", "zh"),
        ("소포", "ko"),
        ("พัสดุ", "th"),
        ("δέμα", "el"),
        ("חבילה", "he"),
        ("ամանորյա", "hy"),
        ("ამანათი", "ka"),
        ("பார்சல்", "ta"),
    ],
)
def test_a_script_of_one_language_decides_alone(text: str, label: str) -> None:
    assert language(text).label == label


def test_one_short_word_is_not_sure() -> None:
    for text in ("hola", "Kundendienst", "danke"):
        assert language(text).confidence < 0.7


def test_a_short_answer_is_in_the_language_of_its_question() -> None:
    assert language("gracias", "Su pedido llega el martes. ¿Puedo ayudarle en algo más?").label == "es"
    assert language("Ja, 44121", "Möchten Sie die Bestellung wirklich stornieren?").label == "de"
    assert language("Where is my parcel?", "Möchten Sie die Bestellung wirklich stornieren?").label == "en"


def test_links_addresses_and_numbers_have_no_language() -> None:
    text = "Meine Bestellung https://example.com/where/is/my/order ist weg, mail@example.com"
    assert language(text).label == "de"


def test_phrases_in_german_do_not_make_german_english() -> None:
    document = a_document()
    document["intents"]["repair"] = [
        "meine Lampe ist leider kaputt",
        "bitte reparieren Sie den Wasserkocher",
        "ich brauche eine Reparatur",
        "das Gerät funktioniert nicht mehr",
        "können Sie das wieder ganz machen",
    ]
    understanding = compile_understanding(document)
    found = understanding.read("bitte reparieren Sie meine Lampe")
    assert found.language is not None
    assert found.language.label == "de"
    assert found.intent is not None
    assert found.intent.label == "repair"


@pytest.mark.parametrize(
    ("text", "label", "least"),
    [
        ("This is unacceptable. Worst company ever!", "negative", 0.9),
        ("Hello. I am FURIOUS, you lied to me!!! Thanks for nothing, this is pathetic.", "negative", 0.9),
        ("I'm very disappointed in your service.", "negative", 0.7),
        ("Thank you so much, you were wonderful and very helpful!", "positive", 0.7),
        ("Where is my order 44121?", "neutral", 0.7),
        ("I want to cancel my subscription", "neutral", 0.7),
        ("Could you please help me to change my address?", "neutral", 0.6),
    ],
)
def test_how_the_customer_feels(text: str, label: str, least: float) -> None:
    found = sentiment(text)
    assert found.label == label
    assert found.confidence >= least


def test_politeness_around_it_undoes_no_anger() -> None:
    angry = "Your support is useless and I am furious."
    polite = f"Good morning, I hope you are well. {angry} Thank you and kind regards."
    assert sentiment(polite).label == "negative"
    assert shipped().valence(polite) < 0.7 * shipped().valence(angry)  # type: ignore[operator]


def test_other_languages_are_neutral_and_unsure() -> None:
    found = sentiment("Das ist eine absolute Frechheit, ich bin stinksauer!")
    assert found.label == "neutral"
    assert found.confidence < 0.6


def test_the_file_says_how_a_word_feels() -> None:
    text = "this kettle is a banana"
    assert compile_understanding(a_document()).valence(text) == 0
    assert compile_understanding(a_document(tone={"banana": -4})).valence(text) < -0.6  # type: ignore[operator]
