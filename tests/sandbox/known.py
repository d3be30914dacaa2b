# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in every company under a fixed name, as far as its sizes go: small ones leave out the last of each table.

Beside these, companies of the default sizes or larger hold ambiguous names, as in real life: two people share the
e-mail C(sam.twin@example.com) (the second, last in the directory, is Deactivated), two groups are called C(Twin Group),
two apps C(Twin App).
"""

from __future__ import annotations

from dataclasses import dataclass

from .records import CHANGE, DYNAMIC_GROUP, GRANT, MANAGED_GROUP, REMOVE, REQUEST_TYPES, SYNCED_GROUP
from .state import identifier

DOMAIN = "example.com"

#: An admin, on whose behalf playbooks act.
ACTING_USER = f"ada.admin@{DOMAIN}"

ADMIN, MANAGER, OWNER, ENGINEER = "Ada Admin", "Max Manager", "Olga Owner", "Erin Engineer"
CONTRACTOR, LEAVER, ASKER = "Connor Contractor", "Oscar Offboarding", "Petra Pending"

#: Name, status, role. Their e-mail is their name with a dot; Max manages those of the role User.
PEOPLE = (
    (ADMIN, "Active", "Admin"),
    (MANAGER, "Active", "User"),
    (OWNER, "Active", "User"),
    (ENGINEER, "Active", "User"),
    ("Sally Sales", "Active", "User"),
    (CONTRACTOR, "Active", "User"),
    ("Grace General", "Active", "General Manager"),
    ("Iris Invited", "Invited", "User"),
    ("Owen Onboarding", "Onboarding", "User"),
    (LEAVER, "Offboarding", "User"),
    ("Dora Deactivated", "Deactivated", "User"),
    ("Igor Ignored", "Ignored", "User"),
    ("Dina Discovered", "Discovered", "User"),
    (ASKER, "Active", "User"),
)

TWIN_PERSON, TWIN_GROUP, TWIN_APP = "Sam Twin", "Twin Group", "Twin App"


@dataclass(frozen=True)
class KnownGroup:
    """A group; C(crowded) ones have further members, C(Okta Everyone) all active people."""

    name: str
    kind: str
    members: tuple[str, ...] = ()
    default_apps: tuple[str, ...] = ()
    hidden_apps: tuple[str, ...] = ()
    crowded: bool = True


EVERYONE = "Okta Everyone"
GROUPS = (
    KnownGroup("Engineering", MANAGED_GROUP, (ENGINEER, MANAGER, OWNER), ("GitHub", "Figma")),
    KnownGroup("Sales", MANAGED_GROUP, ("Sally Sales",), ("Salesforce",)),
    KnownGroup("Contractors", MANAGED_GROUP, (CONTRACTOR, LEAVER), (), ("Salesforce",), crowded=False),
    KnownGroup(EVERYONE, SYNCED_GROUP),
    KnownGroup("Dynamic Berlin", DYNAMIC_GROUP),
)


@dataclass(frozen=True)
class KnownApp:
    """A managed app, owned by Olga unless it is C(orphaned). The first level is the default one.

    :param autoprovisions: the vendor's agent carries out its action tasks.
    :param everybodys: all active people have access.
    """

    name: str
    category: str
    levels: tuple[str, ...] = ()
    orphaned: bool = False
    autoprovisions: bool = False
    everybodys: bool = False


#: Erin holds the levels Read and Write of GitHub.
TWO_LEVELS = ("GitHub", ENGINEER)
APPS = (
    KnownApp("GitHub", "CATEGORY_DEVELOPMENT", ("Read", "Write", "Admin")),
    KnownApp("Figma", "CATEGORY_DESIGN"),
    KnownApp("Salesforce", "CATEGORY_SALES", ("Standard", "System Administrator")),
    KnownApp("Google Workspace", "CATEGORY_OFFICE_SUITE", everybodys=True),
    KnownApp("AWS", "CATEGORY_DEVELOPMENT", ("ReadOnly", "PowerUser", "Administrator"), autoprovisions=True),
    KnownApp("Orphan Wiki", "CATEGORY_OFFICE_SUITE", orphaned=True),
)
PRIVILEGED_LEVELS = frozenset({"Admin", "Owner", "System Administrator", "Administrator"})

#: Those who are in no group and no app but the ones above, so that examples always have something to do.
UNENTANGLED = frozenset({ENGINEER, CONTRACTOR, ASKER})


@dataclass(frozen=True)
class KnownRequest:
    """A request that Petra made for herself.

    :param approvals: how many of its steps were approved before the one that it is at.
    :param then: what else happened to that step: C(declined) or C(snoozed).
    """

    type: str
    app: str
    level: str | None = None
    approvals: int = 0
    then: str | None = None


#: By name, from which alone the ids are made. Max, then Olga review grants; Olga reviews removals and acts on both.
REQUESTS = {
    "action": KnownRequest(GRANT, "GitHub", "Write", approvals=2),
    "removal": KnownRequest(REMOVE, "Google Workspace", approvals=1),
    "review": KnownRequest(GRANT, "Figma"),
    "snoozed": KnownRequest(GRANT, "Salesforce", "Standard", approvals=2, then="snoozed"),
    "autoprovisioning": KnownRequest(GRANT, "AWS", "ReadOnly", approvals=2),
    "declined": KnownRequest(GRANT, "Orphan Wiki", then="declined"),
}
#: The name of a task of Petra's without a request.
STANDALONE = "standalone"

#: There is one of each for each request type.
POLICIES = {
    "Manager then app owner": ("Manager", "WorkAppOwner"),
    "App owner": ("WorkAppOwner",),
    "Admins": ("Admin",),
    "Two approvals": ("WorkAppOwner", "Admin"),
}
#: What the vendor ships as global policies (how-to guide on policies).
GLOBAL_POLICIES = {
    **dict.fromkeys(REQUEST_TYPES, "App owner"),
    **dict.fromkeys((GRANT, CHANGE), "Manager then app owner"),
    "AddNewManagedWorkAppRequest": "Admins",
}

#: Name, kind, required, labels of the options.
FIELDS: tuple[tuple[str, str, bool, tuple[str, ...]], ...] = (
    ("Cost Center", "Text", True, ()),
    ("Automation Ledger", "Text", False, ()),
    ("Risk Owner", "Person", False, ()),
    ("Data Classification", "Select", False, ("Public", "Internal", "Confidential")),
    ("Priority", "Priority", False, ("Low", "Medium", "High")),
)


def request_id(name: str, seed: int = 1) -> str:
    """Return the id of one of the requests above, the same in all companies of a seed that have its person and app."""
    return identifier(seed, "request", "known", name)


def task_id(name: str, seed: int = 1) -> str:
    """Return the id of the task that one of the requests above is at, or of the one without a request."""
    if name == STANDALONE:
        return identifier(seed, "task", "known", name)
    return identifier(seed, "task", request_id(name, seed), REQUESTS[name].approvals)
