# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever cannot be meant fails before the first write, names the item, and says what to do."""

from __future__ import annotations

import pytest
from playbooks.harness import MEMBERS, Data, Playbooks, play, task, writes
from playbooks.module_contract import BadInput, refuse_all
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

OWEN, ERIN, ADA = "owen.onboarding@example.com", "erin.engineer@example.com", "ada.admin@example.com"
CONNOR, OSCAR, SAM = "connor.contractor@example.com", "oscar.offboarding@example.com", "sam.twin@example.com"
NOBODY = "00000000-0000-4000-8000-000000000000"
BYPASS = {"implicitly_approve_requests": True, "bypass_reason": "A reason"}


def one(group: str, *users: str | None, state: str = "present", **options: object) -> Data:
    """Return the options of a task for one group."""
    return {"group": group, "users": list(users), "state": state, **options}


def many(*entries: tuple[str, str, list[str]], **options: object) -> Data:
    """Return the options of a task for many groups."""
    keys = ("group", "state", "users")
    return {"memberships": [dict(zip(keys, entry, strict=True)) for entry in entries], **options}


PEOPLE: list[BadInput] = [
    (
        "an unknown address",
        one("Sales", "owen.onbording@example.com"),
        "lookup_failed",
        ["'owen.onbording@example.com' does not exist", "did you mean 'owen.onboarding@example.com'"],
    ),
    (
        "an unknown id",
        one("Sales", NOBODY),
        "lookup_failed",
        [f"'{NOBODY}' does not exist", "Correct the name, or give the id"],
    ),
    (
        "a display name",
        one("Sales", "Erin Engineer"),
        "lookup_failed",
        ["'Erin Engineer' does not exist", f"did you mean '{ERIN}'"],
    ),
    (
        "a display name like no address",
        one("Sales", "The Boss"),
        "lookup_failed",
        ["'The Boss' does not exist", "by e-mail address or id, never by display name"],
    ),
    ("an address with a space", one("Sales", f" {ERIN}"), "lookup_failed", [f"' {ERIN}' does not exist", ERIN]),
    (
        "an address of two people",
        one("Contractors", SAM),
        "lookup_failed",
        [f"the address '{SAM}'", "Give the id"],
    ),
    ("all that is wrong at once", one("Contractors", SAM, "Erin Engineer"), "lookup_failed", [SAM, "Erin Engineer"]),
    *(
        (
            f"somebody who is {status}",
            one("Sales", reference),
            "lookup_failed",
            [f"{status.lower()}@example.com' is {status}", "`allow_inactive` permits it"],
        )
        for status, reference in (
            ("Deactivated", "dora.deactivated@example.com"),
            ("Offboarding", OSCAR),
            ("Ignored", "{{ person_id['igor.ignored@example.com'] }}"),
        )
    ),
    (
        "somebody to be there and not",
        many(("Engineering", "present", [ERIN]), ("Engineering", "absent", ["{{ person_id['" + ERIN + "'] }}"])),
        "configuration",
        ["should be a member and should not be one", "'Engineering'", "Take the person out of one of the lists"],
    ),
]

GROUPS: list[BadInput] = [
    (
        "an unknown group",
        one("Enginering", ERIN),
        "lookup_failed",
        ["'Enginering' does not exist", "did you mean 'Engineering'"],
    ),
    (
        "a group in another case",
        one("sales", ERIN),
        "lookup_failed",
        ["'sales' does not exist", "did you mean 'Sales'"],
    ),
    ("a group with a space", one("Sales ", ERIN), "lookup_failed", ["'Sales ' does not exist", "did you mean 'Sales'"]),
    ("a blank group", one("", ERIN), None, ["one of the following is required: group, memberships"]),
    ("an unknown group id", one(NOBODY, ERIN), "lookup_failed", [f"'{NOBODY}' does not exist", "Correct"]),
    ("a name of two groups", one("Twin Group", ERIN), "lookup_failed", ["are called 'Twin Group'", "Give the id"]),
    (
        "a dynamic group",
        many(("Engineering", "present", [OWEN]), ("Dynamic Berlin", "present", [OWEN])),
        "rail",
        ["'Dynamic Berlin'", "a rule decides", "leave the group out"],
    ),
    (
        "a group named twice and exact",
        many(("Sales", "present", [ERIN]), ("{{ group_id['Sales'] }}", "exact", [ERIN])),
        "configuration",
        ["'Sales'", "named 2 times, and one entry is exact", "Let one entry own the group"],
    ),
]

ACTORS: list[BadInput] = [
    (
        "an actor who may not act",
        one("Sales", ERIN, acting_user=OSCAR),
        "configuration",
        [f"act as {OSCAR}", "status of this person is Offboarding", "Name an active admin"],
    ),
    (
        "an unknown actor",
        one("Sales", ERIN, acting_user="ada.amin@example.com"),
        "lookup_failed",
        ["'ada.amin@example.com' does not exist", f"did you mean '{ADA}'"],
    ),
    (
        "an actor of two",
        one("Sales", ERIN, acting_user=SAM),
        "lookup_failed",
        [f"the address '{SAM}'", "Give the id"],
    ),
    (
        "a bypass without a reason",
        one("Sales", ERIN, implicitly_approve_requests=True),
        "configuration",
        ["bypass_reason"],
    ),
    (
        "a bypass for a blank reason",
        one("Sales", ERIN, implicitly_approve_requests=True, bypass_reason=" "),
        "configuration",
        ["`bypass_reason` does not say why", "Set `bypass_reason`"],
    ),
    (
        "self approval",
        one("Contractors", ADA, **BYPASS),
        "rail",
        [
            f"add {ADA} to 'Contractors'",
            "approve access for itself",
            "Let another admin act, or set `allow_self_approval`",
        ],
    ),
    (
        "self approval by id",
        one("Contractors", ADA, acting_user="{{ person_id['" + ADA + "'] }}", **BYPASS),
        "rail",
        [f"add {ADA} to 'Contractors'", "set `allow_self_approval`"],
    ),
]

REMOVALS: list[BadInput] = [
    (
        "more removals than usual",
        one("Okta Everyone", ERIN, state="exact"),
        "rail",
        ["`max_removals` allows 10", " removed from 'Okta Everyone': ", "raise `max_removals`"],
    ),
    (
        "more removals than allowed",
        many(("Contractors", "absent", [CONNOR]), ("Engineering", "absent", [ERIN]), max_removals=1),
        "rail",
        [
            "carry out 2 removals",
            "`max_removals` allows 1",
            f"{CONNOR} from 'Contractors'",
            f"{ERIN} from 'Engineering'",
        ],
    ),
    ("a removal where none is allowed", one("Contractors", CONNOR, state="absent", max_removals=0), "rail", [CONNOR]),
    (
        "a negative limit",
        one("Contractors", CONNOR, state="absent", max_removals=-1),
        "configuration",
        ["`max_removals`: it is -1", "Give 0 or more"],
    ),
    ("an empty list", one("Contractors", state="exact"), "configuration", ["'Contractors'", "set `allow_empty: true`"]),
    (
        "an empty list among others",
        many(("Sales", "present", [ERIN]), ("Contractors", "exact", [])),
        "configuration",
        ["'Contractors'", "the list is empty and the state is exact", "set `allow_empty: true`"],
    ),
    (
        "a blank entry",
        one("Contractors", CONNOR, " ", state="exact"),
        "configuration",
        ["an entry is blank", "Remove it"],
    ),
    (
        "a blank text",
        {**one("Contractors", state="exact"), "users": ""},
        "configuration",
        ["users is null or missing", "Give a list"],
    ),
    (
        "a blank text although empty is allowed",
        {**one("Contractors", state="exact", allow_empty=True), "users": ""},
        "configuration",
        ["'Contractors'", "users is null or missing", "Give a list"],
    ),
    *(
        (f"null for {state}", {**one("Contractors", state=state), "users": None}, "configuration", ["users is null"])
        for state in ("present", "absent", "exact")
    ),
    (
        "null although empty is allowed",
        {"group": "Contractors", "state": "exact", "allow_empty": True, "users": None},
        "configuration",
        ["'Contractors'", "users is null or missing", "Give a list"],
    ),
    (
        "null among others",
        {"memberships": [{"group": "Contractors", "users": None, "state": "exact"}], "allow_empty": True},
        None,
        ["missing required arguments: users found in memberships"],
    ),
    (
        "a protected person named",
        one("Contractors", CONNOR.upper(), state="absent", protected_users=["{{ person_id['" + CONNOR + "'] }}"]),
        "rail",
        ["remove people from the group 'Contractors'", f"protected: {CONNOR.upper()}", "or out of `protected_users`"],
    ),
    (
        "a protected person named who is no member",
        one("Contractors", ERIN, state="absent", protected_users=[ERIN.upper()]),
        "rail",
        [f"protected: {ERIN}", "or out of `protected_users`"],
    ),
    (
        "the actor named",
        one("Sales", ADA, state="absent"),
        "rail",
        [f"protected: {ADA}", "acting user is always protected"],
    ),
    (
        "a protected person whom nobody knows",
        one("Contractors", CONNOR, state="absent", protected_users=["renamed@example.com"]),
        "lookup_failed",
        [
            "protected user 'renamed@example.com' does not exist, perhaps under another address",
            "Correct the name, or give the id",
        ],
    ),
]

OPTIONS: list[BadInput] = [
    ("both forms", {**one("Sales", ERIN), "memberships": []}, None, ["mutually exclusive", "group|memberships"]),
    (
        "people and the bulk form",
        {"users": [ERIN], "memberships": []},
        None,
        ["mutually exclusive", "users|memberships"],
    ),
    ("neither form", {}, None, ["one of the following is required: group, memberships"]),
    ("no people", {"group": "Sales"}, "configuration", ["'Sales'", "users is null or missing", "Give a list"]),
    ("an unknown state", one("Sales", ERIN, state="gone"), None, ["state", "present, absent, exact", "gone"]),
    ("an unknown option", one("Sales", ERIN, user=ERIN), None, ["Unsupported parameters", "user"]),
    *(
        (
            f"the address {url or 'that is blank'}",
            one("Sales", ERIN, base_url=url),
            "configuration",
            ["base_url", words],
        )
        for url, words in (
            ("http://service.example.com", "show the key and secret to everyone on the way"),
            ("https://name:word@service.example.com", "holds a user name or password"),
            ("https://service.example.com/?key=1", "holds a query or fragment"),
            ("service.example.com", "does not start with https://"),
            ("", "does not start with https://"),
        )
    ),
    *(
        (
            f"{name} of {value}",
            one("Sales", ERIN, **{name: value}),
            "configuration",
            [name, f"it is {value} and must be"],
        )
        for name, value in (
            ("timeout", 0),
            ("max_retries", -1),
            ("requests_per_minute", -1),
            ("concurrency", 0),
        )
    ),
    *(
        (f"{name} with {value!r}", one("Sales", ERIN, **{name: value}), "configuration", [name, problem])
        for name, value, problem in (
            ("api_key", "", "is not set"),
            ("api_key", "line\nbreak", "holds white space"),
            ("api_secret", "\t", "is not set"),
        )
    ),
    (
        "certificates that are not there",
        one("Sales", ERIN, ca_path="/no/where"),
        "configuration",
        ["/no/where", "Correct"],
    ),
]


def test_bad_input_fails_before_the_first_write(playbooks: Playbooks, tenant: Sandbox) -> None:
    refuse_all(playbooks, tenant, MEMBERS, [*PEOPLE, *GROUPS, *ACTORS, *REMOVALS, *OPTIONS])


def test_a_blank_is_nobody(playbooks: Playbooks, tenant: Sandbox) -> None:
    """Which of Ansible and the module refuses null in a list depends on the version of Ansible."""
    cases = {
        f"{users!r} {state}": {"group": "Contractors", "users": users, "state": state, "allow_empty": True}
        for users in ("", [None], [""])
        for state in ("present", "absent", "exact")
    }
    run = playbooks.run(play(*(task(title, MEMBERS, options, ignore_errors=True) for title, options in cases.items())))
    for title in cases:
        is_warned_of = title.endswith("absent") and "Not members" in str(run[title].warnings)
        assert run[title].failed or is_warned_of, title
        assert not run[title].changed
    assert not writes(tenant.log())
