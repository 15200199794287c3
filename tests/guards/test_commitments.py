"""Saying that money moved, against offering, asking and explaining: the line GU2 draws."""

from __future__ import annotations

import pytest

from tests.guards.conftest import Found

COMMITTED = [
    "We've refunded you and would like to apologise.",
    "I have refunded you, if you have questions let me know.",
    "Your refund has been processed; it may take 5 days.",
    "Your money is on its way back to you.",
    "I'm processing your refund now.",
    "I have added a $10 credit to your account.",
    "Your account has been credited.",
    "Your refund was approved.",
    "You'll get your money back within 5 business days.",
    "You will receive a refund once we get the item.",
    "Rest assured, you will receive your refund.",
    "We have reversed the charge.",
    "Consider it refunded.",
    "I went ahead and cancelled your subscription.",
    "Your subscription is now cancelled.",
    "I've reset your password.",
    "I was able to verify your identity.",
    "Wir erstatten Ihnen den vollen Betrag.",
    "Sie erhalten Ihr Geld innerhalb von 3 Tagen zurück.",
    "Ihr Abonnement wurde gekündigt.",
    "Votre remboursement a été effectué.",
    "Vous recevrez votre remboursement sous 5 jours.",
    "Su reembolso ha sido procesado.",
    "Recibirá su dinero en 3 días.",
    "R e f u n d : we  h-a-v-e  r-e-f-u-n-d-e-d  y-o-u",
    "I've put the refund through for you.",
    "We just wired the money back to you.",
    "Refund issued: $40.",
    "You've been refunded for both nights.",
    "Your late charges have been removed.",
    "Your email address is now updated.",
    "I upgraded you to the Premium plan.",
    "You have passed verification.",
    "We've extended your trial by 30 days.",
    "Both tickets have been cancelled and refunded.",
    "A new parcel left our warehouse this morning.",
    "Your delivery will be with you tomorrow before noon.",
    "I've processed your refund, is there anything else I can do?",
    "Wir haben Ihnen den Betrag erstattet, kann ich sonst noch helfen?",
    "Wir erlassen Ihnen die Gebühr.",
    "Ihr Paket kommt morgen an.",
    "Votre commande a bien été annulée.",
    "Nous vous avons envoyé un produit de remplacement.",
    "Su pedido está cancelado.",
    "Le enviaremos un producto nuevo sin coste.",
    "O seu reembolso foi processado.",
    "Cancelei o seu pedido.",
    "Le abbiamo rimborsato l'importo.",
    "Uw terugbetaling is verwerkt.",
    "Ik heb uw adres gewijzigd.",
]
NOT_COMMITTED = [
    "Refunds usually take 5-7 business days.",
    "Refunds are processed within 5-7 days under our policy.",
    "Would you like me to request a refund?",
    "If you'd like, I can cancel the order for you.",
    "To request a refund, go to Orders and select Return.",
    "Unfortunately we cannot offer a refund.",
    "If approved, you will receive a refund within 5 days.",
    "Once your refund has been issued you will get an email.",
    "Has your refund been issued yet?",
    "Let me check whether a refund has been issued.",
    "No refund has been issued.",
    "I have forwarded your refund request to billing.",
    "If your order has been cancelled, you will be notified by email.",
    "I'm sorry your order was cancelled by the seller.",
    "We have not been able to verify your identity.",
    "How would you like to be refunded?",
    "You will receive an email with a tracking link in 2 days.",
    "We have updated our privacy policy.",
    "Sie können eine Rückerstattung beantragen.",
    "Vous pouvez demander un remboursement.",
    "Puede solicitar un reembolso.",
    "Have you already been refunded by the seller?",
    "Our agents cannot promise a refund.",
    "I've sent your refund request to the billing team.",
    "I understand you want your account closed.",
    "Before I cancel the order, please confirm its number.",
    "The estimated delivery date is May 5.",
    "You will receive an answer within 24 hours.",
    "If your password has been reset, try signing in again.",
    "Wurde Ihnen der Betrag schon erstattet?",
    "Wenn die Rücksendung eingeht, wird der Betrag erstattet.",
    "Avez-vous été remboursé ?",
    "Si se acepta la devolución, se le reembolsará el importe.",
    "Se a devolução for aceita, você será reembolsado.",
    "Il suo ordine non è ancora stato annullato.",
    "Wilt u dat ik de bestelling annuleer?",
]


@pytest.mark.parametrize("text", COMMITTED)
def test_commitment_is_blocked(found: Found, text: str) -> None:
    assert any(rule.startswith("commit-") for rule in found(text, "output"))


@pytest.mark.parametrize("text", NOT_COMMITTED)
def test_offer_or_information_is_not(found: Found, text: str) -> None:
    assert found(text, "output") == {}
