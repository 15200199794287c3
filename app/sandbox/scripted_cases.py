"""What arrives in the demo: sixteen cases as an integrator would post them (SPEC IN1)."""

from .scripted_guide import migration_guide
from .scripted_parts import BY_AI, POLICIES, Json, facts, says, signals, source
from .scripted_trouble import ANGRY_VIP, CARD_NUMBER, CHARGEBACK, HACKED, HOSTILE, INJECTION, LEGAL

SHIPPING: Json = {
    "ticket": {
        "id": "48201",
        "url": "https://desk.example.com/tickets/48201",
        "channel": "email",
        "subject": "Where is order 77120?",
    },
    "customer": {
        "id": "cust-1043",
        "name": "Birch & Bay Home",
        "email": "nora.feldt@birchbay.example",
        "segment": "standard",
        "contract_value": "1800",
        "currency": "EUR",
        "industry": "retail",
        "timezone": "Europe/Stockholm",
        "crm_ticket_id": "90417728301",
        "account_url": "https://crm.example.com/companies/1043",
    },
    "messages": [
        says(
            "Hi there, order 77120 was meant to arrive on Monday and the tracking page has not moved since Friday. "
            "Could you check where it is? We open our new shop on Saturday.\n\nThanks, Nora"
        )
    ],
    "draft": {
        **BY_AI,
        "text": (
            "Hi Nora,\n\nThanks for your patience. Order 77120 left our warehouse on Friday and is at the carrier's "
            "sorting centre. You can follow every scan here: https://track.example.com/77120\n\n"
            "If the page has not moved by tomorrow evening, write back and we will open a search with the carrier."
            "\n\nKind regards"
        ),
        "confidence": 0.96,
        "reasoning": "The carrier's feed shows a scan at the sorting centre; no exception is reported.",
        "sources": [source("Parcel tracking, order 77120", "https://track.example.com/77120")],
        "suggested_macros": ["Tracking has stalled", "Ask the carrier for a search"],
        "next_questions": ["Is the delivery address open on Saturdays?"],
        "summary": "Asks where order 77120 is; it was due on Monday and tracking stopped on Friday.",
        "ai_trace_id": "tr-5f01c2",
    },
    "signals": signals("shipping_status", 0.95),
    "context": facts(Last_order="77120, 14 items", Carrier="Nordfrakt", Orders_this_year="22"),
    "submitted_by": {"agent": "inbox-assistant"},
}

DISCOUNT: Json = {
    "ticket": {
        "id": "48202",
        "url": "https://desk.example.com/tickets/48202",
        "channel": "chat",
        "subject": "Discount for a second location",
    },
    "customer": {
        "id": "cust-2210",
        "name": "Kinetik Physiotherapy",
        "email": "joris@kinetik.example",
        "segment": "standard",
        "contract_value": "4200",
        "currency": "EUR",
        "crm_ticket_id": "90417728302",
    },
    "messages": [
        says("We are opening a second practice in May. Is there a discount if we take a plan for both?"),
        {"author": "agent", "text": "Congratulations! Let me look up what applies to two locations."},
        says("Great, and does it also hold for the year we have already started?"),
    ],
    "draft": {
        **BY_AI,
        "text": (
            "Hi Joris,\n\nCongratulations on the second practice! Plans with two or more locations are on the "
            "multi-site price list: https://help.example.com/multi-site-pricing\n\n"
            "Whether it can start in the middle of a year depends on your renewal date. Could you tell me when the "
            "second location opens, so that we can look at both dates together?"
        ),
        "confidence": 0.83,
        "reasoning": "Multi-site pricing starts at two locations. The article says nothing of running terms.",
        "sources": [source("Multi-site pricing", "multi-site-pricing")],
        "suggested_macros": ["Multi-site pricing"],
        "next_questions": ["Opening date of the second location?", "Same billing contact for both?"],
        "internal_note": "Renewal is on 1 September; sales may want to know of the second location.",
        "ai_trace_id": "tr-5f01c9",
    },
    "signals": signals("discount", 0.91, "positive", 0.82),
    "context": facts(Plan="Team, yearly", Renewal="1 September", Locations="1"),
    "submitted_by": {"agent": "chat-assistant"},
}

REFUND: Json = {
    "ticket": {
        "id": "48203",
        "url": "https://desk.example.com/tickets/48203",
        "channel": "email",
        "subject": "Refund for the broken espresso machine",
    },
    "customer": {
        "id": "cust-3377",
        "name": "Atelier Roussel",
        "email": "camille@atelier-roussel.example",
        "segment": "standard",
        "contract_value": "2600",
        "currency": "EUR",
        "crm_ticket_id": "90417728303",
        "account_url": "https://crm.example.com/companies/3377",
    },
    "messages": [
        {
            **says(
                "The machine from order 76855 arrived with a cracked boiler, see the photo. I do not want another "
                "one, I would like my 240 EUR back please. Camille"
            ),
            "attachments": [{"name": "boiler.jpg", "type": "image/jpeg", "size": 482113}],
        }
    ],
    "draft": {
        **BY_AI,
        "text": "Hi Camille, I am sorry about the boiler. We have issued a refund of 240 EUR to your card; "
        "you will receive it in 3 days.",
        "confidence": 0.9,
        "reasoning": "The photo shows damage in transit, and the order is inside the 30-day window.",
        "sources": [source("Refund policy, damaged goods", f"{POLICIES}/refunds")],
        "summary": "Order 76855 came with a cracked boiler. Wants 240 EUR back, no replacement.",
        "ai_trace_id": "tr-5f01d4",
    },
    "signals": signals("refund_request", 0.97, "negative", 0.64),
    "requested_action": {"type": "refund", "amount": "240.00", "currency": "EUR", "irreversible": False},
    "context": facts(Order="76855, 240.00 EUR", Delivered="6 days ago", Earlier_refunds="0"),
    "submitted_by": {"agent": "returns-agent"},
}

PASSWORD: Json = {
    "ticket": {"id": "48205", "channel": "chat", "subject": "Reset link"},
    "customer": {
        "id": "cust-5008",
        "name": "Theo Marlowe",
        "email": "theo.marlowe@mail.example",
        "segment": "small",
        "contract_value": "96",
        "currency": "USD",
        "crm_ticket_id": "90417728305",
    },
    "messages": [says("hey how do i reset my password? the page says the link is too old")],
    "draft": {
        **BY_AI,
        "text": (
            "Hi Theo! A reset link works for one hour. Open https://example.com/reset, type your e-mail address, and "
            "use the newest message you get. If nothing arrives within five minutes, have a look at the spam folder."
        ),
        "confidence": 0.97,
        "reasoning": "Plain instructions, nothing about the account is changed.",
        "sources": [source("Reset your password", "reset-password")],
        "suggested_macros": ["Reset link expired"],
        "ai_trace_id": "tr-5f01e0",
    },
    "signals": signals("password_reset", 0.96),
    "submitted_by": {"agent": "chat-assistant"},
}

GERMAN_PLAN: Json = {
    "ticket": {"id": "48207", "channel": "email", "subject": "Wechsel in den Team-Tarif"},
    "customer": {
        "id": "cust-6120",
        "name": "Tischlerei Brandt & Söhne",
        "email": "brandt@tischlerei-brandt.example",
        "segment": "standard",
        "contract_value": "1450",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "crm_ticket_id": "90417728307",
    },
    "messages": [
        says(
            "Guten Tag, wir sind inzwischen zu sechst und würden gern in den Team-Tarif wechseln. Bleiben unsere "
            "Vorlagen dabei erhalten? Mit freundlichen Grüßen, Jörg Brandt"
        )
    ],
    "draft": {
        **BY_AI,
        "text": (
            "Guten Tag Herr Brandt,\n\nvielen Dank für Ihre Nachricht. Beim Wechsel in den Team-Tarif bleiben Vorlagen "
            "und Archiv bestehen. Was sich sonst ändert, lesen Sie hier: https://help.example.com/de/team-tarif\n\n"
            "Freundliche Grüße"
        ),
        "confidence": 0.88,
        "reasoning": "Template retention is described in the article on changing plans.",
        "sources": [source("Wechsel in den Team-Tarif", "de/team-tarif")],
        "summary": "Six people now; asks to change to the Team plan and whether templates stay.",
        "ai_trace_id": "tr-5f0204",
    },
    "signals": signals("plan_change", 0.9, language="de"),
    "requested_action": {"type": "plan_change", "irreversible": False},
    "context": facts(Plan="Solo, monthly", People="6"),
    "submitted_by": {"agent": "inbox-assistant"},
}

PERSONS_REFUND: Json = {
    "ticket": {
        "id": "48209",
        "url": "https://desk.example.com/tickets/48209",
        "channel": "email",
        "subject": "Training cancelled by us",
    },
    "customer": {
        "id": "cust-2891",
        "name": "Ferrous & Finch Ltd",
        "email": "accounts@ferrousfinch.example",
        "segment": "standard",
        "contract_value": "9800",
        "currency": "GBP",
        "crm_ticket_id": "90417728309",
    },
    "messages": [says("You moved the onboarding training twice and now it is off. What happens with the fee we paid?")],
    "draft": {
        "author": "human",
        "text": (
            "Hello,\n\nI am sorry that the training did not take place. I have asked our billing team to look at the "
            "fee of 85 GBP and will come back to you as soon as they have decided.\n\nMaya"
        ),
        "internal_note": "We cancelled, so in my view the fee should go back.",
    },
    "signals": signals("refund_request", 0.88, "negative", 0.58),
    "requested_action": {"type": "refund", "amount": "85.00", "currency": "GBP", "irreversible": False},
    "context": facts(Invoice="INV-20881, paid", Training="cancelled by us"),
    "submitted_by": {"slack_user": "U01MAYA"},
}

OPENING_HOURS: Json = {
    "ticket": {"id": "48211", "channel": "social", "subject": "Open on Easter Monday?"},
    "customer": {"id": "cust-9002", "name": "@marlow_runs", "segment": "small", "contract_value": "0"},
    "messages": [says("hi! are you open on easter monday? 🐣")],
    "draft": {
        **BY_AI,
        "text": "Hi! Our shops are closed on Easter Monday; the chat is staffed from 10:00 to 16:00. 🐣",
        "confidence": 0.98,
        "sources": [source("Opening hours and holidays", "opening-hours")],
        "ai_trace_id": "tr-5f0223",
    },
    "signals": signals("opening_hours", 0.98, "positive", 0.75),
    "submitted_by": {"agent": "social-assistant"},
}

SPANISH_WARRANTY: Json = {
    "ticket": {"id": "48214", "channel": "email", "subject": "Garantía de la batería"},
    "customer": {
        "id": "cust-6644",
        "name": "Bicicletas Alameda",
        "email": "lucia@alameda.example",
        "segment": "standard",
        "contract_value": "3100",
        "currency": "EUR",
        "timezone": "Europe/Madrid",
        "crm_ticket_id": "90417728314",
    },
    "messages": [
        says(
            "Hola, la batería de una bici comprada en marzo del año pasado ya no carga. ¿Entra todavía en la "
            "garantía? Gracias, Lucía"
        )
    ],
    "draft": {
        **BY_AI,
        "text": (
            "Hola Lucía:\n\nGracias por escribirnos. Las condiciones para baterías están aquí: "
            "https://help.example.com/es/garantia. ¿Nos envías el número de serie y una foto del cargador? "
            "Con eso podemos revisarlo."
        ),
        "confidence": 0.81,
        "sources": [source("Garantía: baterías", "es/garantia")],
        "summary": "A battery bought in March last year no longer charges; asks whether it is in warranty.",
        "next_questions": ["Serial number?", "Which charger was used?"],
        "ai_trace_id": "tr-5f024c",
    },
    "signals": signals("warranty", 0.87, language="es"),
    "context": facts(Bought="March last year", Warranty="24 months, batteries 12 to 24"),
    "submitted_by": {"agent": "inbox-assistant"},
}

LONG_ENTERPRISE: Json = {
    "ticket": {
        "id": "48216",
        "url": "https://desk.example.com/tickets/48216",
        "channel": "email",
        "subject": "Guide for moving 1,400 people",
    },
    "customer": {
        "id": "cust-0112",
        "name": "Meridian Rail Services",
        "email": "d.castellanos@meridianrail.example",
        "segment": "enterprise",
        "contract_value": "180000",
        "currency": "EUR",
        "industry": "transport",
        "privileged_roles": ["tier1_admin"],
        "crm_ticket_id": "90417728316",
        "account_url": "https://crm.example.com/companies/112",
    },
    "messages": [
        says(
            "As discussed, could you write down how we move 1,400 people to the new workspace, step by step? It goes "
            "to our works council, so please leave nothing out. Diego Castellanos"
        )
    ],
    "draft": {
        **BY_AI,
        "text": migration_guide(),
        "confidence": 0.89,
        "reasoning": "Compiled from the migration article, in its order.",
        "sources": [source("Workspace migration", "workspace-migration")],
        "summary": "Wants a complete written guide for moving 1,400 people to the new workspace.",
        "ai_trace_id": "tr-5f0266",
    },
    "signals": signals("how_to", 0.94),
    "context": facts(Seats="1,400", Plan="Enterprise", Account_owner="Liam Fraser"),
    "submitted_by": {"agent": "inbox-assistant"},
}

# In the order of arrival: the first few show the range, the odd ones come later.
CASES: tuple[Json, ...] = (
    SHIPPING,
    DISCOUNT,
    REFUND,
    HACKED,
    PASSWORD,
    ANGRY_VIP,
    GERMAN_PLAN,
    CHARGEBACK,
    PERSONS_REFUND,
    CARD_NUMBER,
    OPENING_HOURS,
    LEGAL,
    INJECTION,
    SPANISH_WARRANTY,
    HOSTILE,
    LONG_ENTERPRISE,
)
