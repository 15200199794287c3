"""A reply of about 10,000 characters: longer than one Slack message holds."""

_STEPS = (
    ("Prepare", "the list of the people who will sign in", "Settings, People", "a spreadsheet with one row a person"),
    ("Check", "who is an administrator today", "Settings, Roles", "two people at least, so that nobody is locked out"),
    ("Clean up", "old projects that nobody opens", "Projects, Archive", "a project in the archive keeps its history"),
    ("Export", "your templates as a safety copy", "Templates, Export", "a file of a few hundred kilobytes"),
    ("Turn on", "the new workspace", "Settings, Workspaces", "a second workspace beside the one you have"),
    ("Invite", "a small pilot group", "New workspace, People", "five to ten people from different teams"),
    ("Connect", "your identity provider", "New workspace, Sign-in", "a test sign-in before anybody else is asked"),
    ("Map", "groups to roles", "New workspace, Roles", "the same names as in your identity provider"),
    ("Import", "the templates you exported", "New workspace, Templates", "a report that lists every template"),
    ("Copy", "one project and compare", "New workspace, Projects", "the same number of tasks on both sides"),
    ("Review", "automations one by one", "New workspace, Automations", "each of them paused until you start it"),
    ("Point", "your integrations at the new address", "New workspace, Integrations", "a green mark beside each"),
    ("Tell", "everybody the date and what changes", "Announcements", "a banner that people can close"),
    ("Freeze", "the old workspace for an evening", "Settings, Read only", "everybody can read, nobody can change"),
    ("Copy", "the remaining projects", "New workspace, Projects, Copy all", "a progress bar and, at the end, a list"),
    ("Compare", "the totals of both workspaces", "Reports, Migration", "no red line; a yellow one is explained there"),
    ("Switch", "the sign-in page to the new workspace", "Settings, Sign-in", "the new logo on the sign-in page"),
    ("Walk through", "the first morning with your pilot group", "your usual channels", "a short list of questions"),
    ("Keep", "the old workspace readable for 90 days", "Settings, Retention", "the last day it can be opened"),
)


def migration_guide() -> str:
    parts = [
        "Dear Mr Castellanos,\n\nThank you for the call. As promised, here is the whole way from your workspace to "
        "the new one, in the order our other large customers found easiest. Nothing in it needs a technician on "
        "your side, and every step can be undone until the switch in step 17."
    ]
    for number, (verb, what, where, sight) in enumerate(_STEPS, 1):
        parts.append(
            f"{number}. {verb} {what}.\nYou find this under {where}. Take your time here: it is easier to put right "
            "now than after the switch, and the people who use it every day notice small differences first. When "
            f"it is done you will see {sight}. If you see anything else, stop, make a note of the time and of the "
            "name of the project, and write to us on this ticket; we can look at the same screen as you do. "
            "Please do not repeat the step before we have answered."
        )
    parts.append(
        "The same guide with pictures is at https://help.example.com/workspace-migration, and each page there has a "
        "form for questions. Your pilot group can start whenever it suits you.\n\nKind regards"
    )
    return "\n\n".join(parts)
