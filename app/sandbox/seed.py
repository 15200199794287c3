"""The workspace everybody starts in: people, user groups and channels with ids that never change."""

from dataclasses import replace

from .model import Channel, Group, User

TEAM_ID = "T0SANDBOX"
TEAM_NAME = "Countersign Sandbox"
TEAM_DOMAIN = "countersign-sandbox"
APP_ID = "A0COUNTERSIGN"
BOT_USER = "U0COUNTERSIGN"
BOT_ID = "B0COUNTERSIGN"
BOT_NAME = "countersign"
EMAIL_DOMAIN = "countersign.example"

_PEOPLE = (
    ("U01MAYA", "maya", "Maya Lindqvist", "Support agent", "1d7874", "Europe/Stockholm"),
    ("U02TOMAS", "tomas", "Tomás Herrera", "Support agent", "c44536", "Europe/Madrid"),
    ("U03PRIYA", "priya", "Priya Raman", "Support lead", "6d597a", "Asia/Kolkata"),
    ("U04DAN", "dan", "Dan O'Connell", "Support lead, operations", "355070", "Europe/Dublin"),
    ("U05INGRID", "ingrid", "Ingrid Sørensen", "Billing specialist", "b56576", "Europe/Oslo"),
    ("U06KWAME", "kwame", "Kwame Boateng", "Billing manager", "2a9d8f", "Africa/Accra"),
    ("U07HELENE", "helene", "Hélène Marchetti", "Legal counsel", "e76f51", "Europe/Paris"),
    ("U08RAFAEL", "rafael", "Rafael Nunes", "Privacy counsel", "264653", "America/Sao_Paulo"),
    ("U09YUKI", "yuki", "Yuki Tanabe", "Security engineer", "8338ec", "Asia/Tokyo"),
    ("U10OMAR", "omar", "Omar Haddad", "Incident responder", "3a86ff", "Asia/Dubai"),
    ("U11SOFIA", "sofia", "Sofia Petrova", "VIP success manager", "ff006e", "Europe/Sofia"),
    ("U12LIAM", "liam", "Liam Fraser", "Key account manager", "fb5607", "Europe/London"),
    ("U13AMARA", "amara", "Amara Okafor", "Compliance officer", "606c38", "Africa/Lagos"),
    ("U14WEI", "wei", "Wei-Ling Chen", "Compliance analyst", "bc6c25", "Asia/Taipei"),
    ("U15NOAH", "noah", "Noah Becker", "Senior engineer", "0077b6", "Europe/Berlin"),
    ("U16AISHA", "aisha", "Aisha Khan", "Staff engineer", "9d4edd", "Asia/Karachi"),
    ("U17GRACE", "grace", "Grace Whitfield", "Chief operating officer", "7f5539", "America/New_York"),
    ("U18MATEO", "mateo", "Mateo Rossi", "Chief financial officer", "386641", "Europe/Rome"),
    ("U19LENA", "lena", "Lena Vogt", "Support specialist", "d62828", "Europe/Vienna"),
    ("U20JONAS", "jonas", "Jonas Virtanen", "Support specialist", "457b9d", "Europe/Helsinki"),
)
OUTSIDER = User("U21CARLA", "carla", "Carla Mendes", "Marketing", f"carla@{EMAIL_DOMAIN}", "adb5bd")
DEACTIVATED = User("U22PAVEL", "pavel", "Pavel Novák", "Former agent", f"pavel@{EMAIL_DOMAIN}", "6c757d", deleted=True)
GUEST = User("U23GUS", "gus", "Gus Albright", "Contractor", "gus@partner.example", "a98467", is_restricted=True)
OTHER_BOT = User("U24DEPLOY", "deploybot", "Deploy Bot", is_bot=True, bot_id="B24DEPLOY", color="343a40")
BOT = User(BOT_USER, BOT_NAME, "Countersign", is_bot=True, bot_id=BOT_ID, color="4a154b")

# handle, channel, topic, members; several owner groups share one channel.
_GROUPS = (
    ("support-agents", "support-review", "Replies waiting for an agent", ("U01MAYA", "U02TOMAS")),
    ("support-leads", "support-escalations", "Escalated cases", ("U03PRIYA", "U04DAN")),
    ("support-specialists", "specialist-review", "Hard cases", ("U19LENA", "U20JONAS")),
    ("billing-approvers", "billing-approvals", "Refunds and billing", ("U05INGRID", "U06KWAME")),
    ("legal-approvers", "legal-approvals", "Legal sign-off", ("U07HELENE", "U08RAFAEL")),
    ("security-responders", "security-approvals", "Security cases", ("U09YUKI", "U10OMAR")),
    ("vip-managers", "vip-approvals", "VIP accounts", ("U11SOFIA", "U12LIAM")),
    ("compliance-approvers", "compliance-approvals", "Regulated accounts", ("U13AMARA", "U14WEI")),
    ("senior-engineers", "engineering-escalations", "Bugs that block customers", ("U15NOAH", "U16AISHA")),
    ("executive-approvers", "executive-approvals", "Large amounts", ("U17GRACE", "U18MATEO")),
    ("support-ops-owners", "policy-changes", "Policy candidates and sign-off", ("U04DAN", "U03PRIYA")),
    ("policy-owners", "policy-changes", "", ("U07HELENE", "U06KWAME")),
    ("crm-owners", "policy-changes", "", ("U12LIAM",)),
    ("automation-owners", "policy-changes", "", ("U16AISHA", "U15NOAH")),
)
# Custom profile fields, id: (label, type), and who answers to whom.
MANAGER_FIELD = "Xf01MANAGER"
PROFILE_FIELDS = {MANAGER_FIELD: ("Manager", "user"), "Xf02PRONOUNS": ("Pronouns", "text")}
_MANAGERS = {
    "U01MAYA": "U03PRIYA",
    "U02TOMAS": "U04DAN",
    "U05INGRID": "U06KWAME",
    "U03PRIYA": "U17GRACE",
    "U06KWAME": "U18MATEO",
}
_SHARED = (("support-qa", "Daily QA sample and weekly trend"), ("general", "Everyone"))
PRIVATE = frozenset({"legal-approvals", "security-approvals"})
OWNER_CHANNEL = "policy-changes"


def people() -> list[User]:
    """Everyone in the workspace, the bot first."""
    staff = [
        User(uid, name, real_name, title, f"{name}@{EMAIL_DOMAIN}", color, tz, fields=_fields(uid))
        for uid, name, real_name, title, color, tz in _PEOPLE
    ]
    return [replace(BOT), *staff, *(replace(one) for one in (OUTSIDER, DEACTIVATED, GUEST, OTHER_BOT))]


def _fields(user: str) -> dict[str, str]:
    return {MANAGER_FIELD: _MANAGERS[user]} if user in _MANAGERS else {}


def groups() -> list[Group]:
    """The fourteen user groups, ids S01… in the order of the default roles."""
    return [
        Group(f"S{number:02}GROUP", handle, handle.replace("-", " ").capitalize(), list(members), channel)
        for number, (handle, channel, _, members) in enumerate(_GROUPS, 1)
    ]


def channels(now: float) -> list[Channel]:
    """One channel per queue and the shared ones, ids C01…; private ones hold their role and the leads."""
    staff = [row[0] for row in _PEOPLE]
    leads = list(_GROUPS[1][3])
    topics: dict[str, str] = {}
    for _, channel, topic, _ in _GROUPS:
        topics.setdefault(channel, topic)
    topics.update(_SHARED)
    made = []
    for number, (name, topic) in enumerate(topics.items(), 1):
        own = [uid for _, channel, _, members in _GROUPS if channel == name for uid in members]
        members = list(dict.fromkeys([*own, *leads])) if name in PRIVATE else list(staff)
        if name == "general":
            members += [OUTSIDER.id, GUEST.id]
        made.append(
            Channel(
                f"C{number:02}QUEUE",
                name,
                topic,
                [BOT_USER, *members],
                is_private=name in PRIVATE,
                created=int(now),
            )
        )
    return made
