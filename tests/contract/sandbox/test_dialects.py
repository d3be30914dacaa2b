# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each open question can be answered in each of its ways."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sandbox.dialect import questions
from sandbox.known import task_id
from sandbox.process import Sandbox

pytest_plugins = ["sandbox.fixtures"]

V1 = "/api/v1"
CURSOR = "cGFnZU51bWJlcj0xJnBhZ2VTaXplPTEwMA=="


def get(vendor: Sandbox, path: str, **options: Any) -> dict[str, Any]:
    """Return a body."""
    answer = vendor.call("GET", f"{V1}/{path}", **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def member_path(vendor: Sandbox, group: str, user: str) -> str:
    """Return the path of a membership."""
    return f"{V1}/UsersGroups/{vendor.find('groups', group)['id']}/Users/{vendor.find('users', user)['id']}"


def add(vendor: Sandbox, group: str, *users: str) -> requests.Response:
    """Add people by name to a group by name."""
    body = {
        "userIds": [vendor.find("users", user)["id"] for user in users],
        "triggeredByUserId": vendor.find("users", vendor.acting_user)["id"],
    }
    return vendor.call("POST", f"{V1}/UsersGroups/{vendor.find('groups', group)['id']}/Users", json=body)


def test_the_default_is_the_vendors_sample(vendor: Sandbox) -> None:
    links = get(vendor, "Users")["links"]
    assert links == {"self": f"{V1}/OpenApiBFF/Users", "next": f"{V1}/OpenApiBFF/Users?cursor={CURSOR}"}
    assert get(vendor, "Users", params={"cursor": CURSOR})["links"]["next"] is None


@pytest.mark.parametrize(
    ("word", "root"), [("plain", V1), ("bff", f"{V1}/OpenApiBFF"), ("absolute", f"https://bff.example.com{V1}")]
)
def test_links(vendor: Sandbox, word: str, root: str) -> None:
    vendor.configure(links=word)
    assert get(vendor, "Users")["links"] == {"self": f"{root}/Users", "next": f"{root}/Users?cursor={CURSOR}"}


def test_cursor_name_counts_in_links_and_on_the_wire(vendor: Sandbox) -> None:
    vendor.configure(cursor_name="page[cursor]")
    first = get(vendor, "Users")
    assert first["links"]["next"] == f"{V1}/OpenApiBFF/Users?page[cursor]={CURSOR}"
    assert get(vendor, "Users", params={"page[cursor]": CURSOR})["data"] != first["data"]
    assert get(vendor, "Users", params={"cursor": CURSOR})["data"] == first["data"]
    vendor.configure(cursor_name="cursor")
    assert vendor.call("GET", f"{V1}/Users", params={"page[cursor]": CURSOR}).status_code == 400


@pytest.mark.parametrize(("question", "path"), [("next", "UsersGroups"), ("record_next", "Users/{admin}")])
def test_the_end_of_links(vendor: Sandbox, question: str, path: str) -> None:
    path = path.format(admin=vendor.find("users", "Ada Admin")["id"])
    assert get(vendor, path)["links"]["next"] is None
    vendor.configure(**{question: "absent"})
    assert "next" not in get(vendor, path)["links"]
    if question == "record_next":
        vendor.configure(record_next="link")
        links = get(vendor, path)["links"]
        assert links["next"] == links["self"]


@pytest.mark.parametrize("word", ["201", "400", "409"])
def test_readd_member(vendor: Sandbox, word: str) -> None:
    vendor.configure(readd_member=int(word))
    answer = add(vendor, "Contractors", "Connor Contractor", "Erin Engineer")
    assert answer.status_code == int(word)
    added = vendor.find("users", "Erin Engineer")["id"] in vendor.find("groups", "Contractors")["members"]
    assert added == (word == "201")
    if not added:
        assert answer.json()["status"] == int(word)


@pytest.mark.parametrize("word", ["404", "204"])
def test_remove_non_member(vendor: Sandbox, word: str) -> None:
    vendor.configure(remove_non_member=word)
    answer = vendor.call("DELETE", member_path(vendor, "Contractors", "Erin Engineer"))
    assert answer.status_code == int(word)


@pytest.mark.parametrize("word", ["400", "403", "409"])
def test_read_only_group(vendor: Sandbox, word: str) -> None:
    vendor.configure(read_only_group=word)
    answer = add(vendor, "Dynamic Berlin", "Iris Invited")
    assert (answer.status_code, answer.json()["status"]) == (int(word), int(word))
    path = member_path(vendor, "Okta Everyone", "Erin Engineer")
    assert vendor.call("DELETE", path).status_code == int(word)


@pytest.mark.parametrize("word", ["204", "409"])
def test_same_policy(vendor: Sandbox, word: str) -> None:
    vendor.configure(same_policy=word)
    chosen = next(row for row in vendor.state("policies")["policies"] if row["request_type"] == "GrantAccessRequest")
    path = f"{V1}/WorkApps/{vendor.find('apps', 'Figma')['id']}/Policies/GrantAccessRequest"
    statuses = [vendor.call("PUT", path, json={"policyId": chosen["id"]}).status_code for _turn in range(2)]
    assert statuses == [204, int(word)]


@pytest.mark.parametrize("word", ["400", "409"])
def test_taken_review_name(vendor: Sandbox, word: str) -> None:
    vendor.configure(taken_review_name=word)
    body = {
        "name": "Q1",
        "accessReviewType": "CurrentUser",
        "dueDate": "2027-03-31T00:00:00Z",
        "workAppIds": [],
        "createdByUserId": vendor.find("users", "Ada Admin")["id"],
    }
    statuses = [vendor.call("POST", f"{V1}/AccessReviews", json=body).status_code for _turn in range(2)]
    assert statuses == [201, int(word)]


def test_removal_requests(vendor: Sandbox) -> None:
    user = vendor.find("users", "Erin Engineer")["id"]
    vendor.change("add_access", app="Figma", user=user)
    vendor.configure(removal_requests="open")
    before = len(vendor.state("requests")["requests"])
    assert vendor.call("DELETE", member_path(vendor, "Engineering", "Erin Engineer")).status_code == 204
    opened = vendor.state("requests")["requests"][before:]
    assert [(row["type"], row["target_id"]) for row in opened] == [("RemoveAccessRequest", user)] * 2


@pytest.mark.parametrize("status", ["documented", "200", "201", "204"])
@pytest.mark.parametrize("body", ["documented", "none", "envelope"])
def test_write_answers(vendor: Sandbox, status: str, body: str) -> None:
    vendor.configure(write_status=status, write_body=body)
    figma = vendor.find("apps", "Figma")["id"]
    admin = vendor.find("users", "Ada Admin")["id"]
    vendor.change("remove_access", app="Figma", user=admin)
    wanted = {"createdByUserId": admin, "targetUserId": admin, "workAppId": figma, "grantAccessPurpose": "x"}
    for answer, documented in (
        (add(vendor, "Contractors", "Erin Engineer"), 201),
        (vendor.call("DELETE", member_path(vendor, "Contractors", "Erin Engineer")), 204),
        (vendor.call("POST", f"{V1}/Requests/GrantAccess", json=wanted), 201),
    ):
        expected = documented if status == "documented" else int(status)
        assert answer.status_code == expected
        if expected == 204 or body == "none":
            assert answer.content == b""
        elif body == "envelope":
            assert answer.json().keys() == {"data", "links"}
        else:
            assert not answer.content or answer.json().keys() == {"requestId"}
    assert get(vendor, "Users")["data"]


def test_extra_fields(vendor: Sandbox) -> None:
    vendor.configure(extra_fields="some")
    document = get(vendor, "Users")
    assert "xUnheardOf" in document
    assert "xUnheardOf" in document["links"]
    assert all("xUnheardOf" in row for row in document["data"])


def test_unknown_values(vendor: Sandbox) -> None:
    vendor.configure(unknown_values="some")
    statuses = [row["statusName"] for row in get(vendor, "Users")["data"]]
    assert {"Hibernating", "Active"} <= set(statuses)
    vendor.configure(unknown_values="all")
    assert {(row["statusId"], row["statusName"]) for row in get(vendor, "Users")["data"]} == {(99, "Hibernating")}
    assert {row["type"] for row in get(vendor, "UsersGroups")["data"]} == {"Hologram"}
    assert {row["requestStatus"] for row in get(vendor, "Requests")["data"]} == {"Hibernating"}
    task = vendor.state("tasks")["tasks"][0]["id"]
    shown = get(vendor, f"Tasks/{task}")["data"]
    assert (shown["status"], shown["type"]) == ("Hibernating", "Hologram")


def test_group_kind(vendor: Sandbox) -> None:
    assert {row["type"] for row in get(vendor, "UsersGroups")["data"]} == {"Managed", "Synced", "Dynamic"}
    vendor.configure(group_kind="hidden")
    assert all("type" not in row and "syncSource" in row for row in get(vendor, "UsersGroups")["data"])
    vendor.configure(group_kind="bare")
    assert all(row.keys() == {"id", "name"} for row in get(vendor, "UsersGroups")["data"])
    group = vendor.find("groups", "Engineering")["id"]
    assert get(vendor, f"UsersGroups/{group}")["data"].keys() == {"id", "name"}


def test_key_form(vendor: Sandbox) -> None:
    pem = vendor.call("GET", "/api/Keys")
    key = serialization.load_pem_public_key(pem.content)
    assert isinstance(key, rsa.RSAPublicKey)
    vendor.configure(key_form="json")
    assert vendor.call("GET", "/api/Keys").json() == {"publicKey": pem.text}
    vendor.configure(key_form="der")
    der = vendor.call("GET", "/api/Keys")
    assert der.headers["content-type"].startswith("text/plain")
    assert serialization.load_der_public_key(base64.b64decode(der.content, validate=True)) == key


def test_webhook_bodies(vendor: Sandbox) -> None:
    lists = vendor.deliveries()
    vendor.configure(webhook_body="object")
    objects = vendor.deliveries()
    assert objects
    assert lists == [[event] for event in objects]
    assert {event["eventType"] for event in objects} == {"action_task.actionable"}


def test_deprecation(vendor: Sandbox) -> None:
    path = member_path(vendor, "Contractors", "Connor Contractor")
    assert "Deprecation" not in vendor.call("DELETE", path).headers
    add(vendor, "Contractors", "Connor Contractor")
    vendor.configure(deprecation="headers")
    answer = vendor.call("DELETE", path)
    assert answer.status_code == 204
    assert "Deprecation" in answer.headers
    assert "Sunset" in answer.headers


def post(vendor: Sandbox, path: str, body: Any = None) -> int:
    """Write; return the status."""
    return vendor.call("POST", f"{V1}/{path}", json=body).status_code


def grant(vendor: Sandbox, user: str, app: str) -> int:
    """Ask for an app without levels for somebody; return the status."""
    identifier = vendor.find("users", user)["id"]
    subject = {"createdByUserId": identifier, "targetUserId": identifier, "workAppId": vendor.find("apps", app)["id"]}
    return post(vendor, "Requests/GrantAccess", {**subject, "grantAccessPurpose": "Needed"})


WORDS = {
    "plain": ("Pending", "Approved", "Approved", "Declined", "Cancelled"),
    "upper": ("PENDING", "APPROVED", "APPROVED", "DECLINED", "CANCELLED"),
    "other": ("AwaitingDecision", "Approved", "Fulfilled", "Rejected", "Withdrawn"),
}


@pytest.mark.parametrize("word", questions()["status_words"])
def test_status_words(vendor: Sandbox, word: str) -> None:
    vendor.configure(status_words=word)
    pending, done, granted, declined, cancelled = WORDS[word]
    vendor.change("open_request", kind="grant", app="Figma", user="connor.contractor@example.com")
    withdrawn = vendor.open_task("Connor Contractor", "Figma")
    vendor.change("cancel_request", request=withdrawn["request_id"], user=vendor.acting_user)
    assert post(vendor, f"Tasks/{task_id('action')}/Approve") == 204
    expected = {
        task_id("review"): (pending, pending),
        task_id("action"): (done, granted),
        task_id("declined"): (declined, declined),
        withdrawn["id"]: (cancelled, cancelled),
    }
    shown = {identifier: get(vendor, f"Tasks/{identifier}")["data"] for identifier in expected}
    assert {one: (task["status"], task["request"]["requestStatus"]) for one, task in shown.items()} == expected
    statuses = {row["requestStatus"] for row in vendor.rows(f"{V1}/Requests")}
    assert statuses == {pending, granted, declined, cancelled}
    assert vendor.state("requests")["requests"][0]["status"] == "Approved"


@pytest.mark.parametrize("word", questions()["status_words"])
def test_filters_are_heard_in_the_words_that_are_spoken(vendor: Sandbox, word: str) -> None:
    owner = vendor.find("users", "Olga Owner")["id"]
    assert post(vendor, f"Tasks/{task_id('action')}/Approve") == 204
    assigned = {row["status"] for row in vendor.state("tasks")["tasks"] if row["assigned_id"] == owner}
    spoken = {
        "Requests": {*WORDS[word][:1], *WORDS[word][2:]},
        f"Tasks?userId={owner}": {WORDS[word][WORDS["plain"].index(status)] for status in assigned},
    }
    vendor.configure(status_words=word)
    for path, words in spoken.items():
        rows = vendor.rows(f"{V1}/{path}")
        for status in {*WORDS["plain"], *WORDS["upper"], *WORDS["other"]}:
            found = get(vendor, path, params={"status": status})["data"]
            assert found == [row for row in rows if status in (row.get("status"), row.get("requestStatus"))]
            assert bool(found) == (status in words)


def test_filters_may_be_ignored(vendor: Sandbox) -> None:
    vendor.configure(filters="ignored")
    every = get(vendor, "Requests")["data"]
    for query in (
        {"status": "Pending"},
        {"requestType": "RemoveAccessRequest"},
        {"lastUpdatedFrom": "2099-01-01T00:00:00Z"},
    ):
        assert get(vendor, "Requests", params=query)["data"] == every
    for name in ("Olga Owner", "Petra Pending"):
        user = vendor.find("users", name)["id"]
        assigned = [row["id"] for row in vendor.state("tasks")["tasks"] if row["assigned_id"] == user]
        tasks = get(vendor, "Tasks", params={"userId": user, "status": "Approved"})["data"]
        assert [row["id"] for row in tasks] == assigned
    assert vendor.log()[-1]["query"]["status"] == "Approved"
    assert vendor.call("GET", f"{V1}/Users", params={"status": "Active"}).status_code == 400


@pytest.mark.parametrize("word", questions()["existing_access"])
def test_existing_access(vendor: Sandbox, word: str) -> None:
    vendor.configure(existing_access=word)
    github = vendor.find("apps", "GitHub")
    read, write = (row["id"] for row in github["levels"][:2])
    connor, iris = (vendor.find("users", name)["id"] for name in ("Connor Contractor", "Iris Invited"))
    rows = [{"workAppId": github["id"], "userId": connor, "permissionLevelId": level} for level in (read, read, write)]
    refusal = 201 if word == "update" else 409
    statuses = [post(vendor, "WorkApps/Accesses", {"data": [row]}) for row in rows]
    assert statuses == [201, refusal, refusal]
    assert post(vendor, "WorkApps/Accesses", {"data": [{**rows[0], "userId": iris}, rows[2]]}) == refusal
    held = {row["user_id"]: row["level_id"] for row in vendor.find("apps", "GitHub")["accesses"]}
    assert held[connor] == (write if word == "update" else read)
    assert (iris in held) == (word == "update")


@pytest.mark.parametrize("word", questions()["duplicate_request"])
def test_duplicate_request(vendor: Sandbox, word: str) -> None:
    vendor.configure(duplicate_request=word)
    assert [grant(vendor, "Connor Contractor", "Figma") for _turn in range(2)] == [201, int(word)]
    assert grant(vendor, "Connor Contractor", "Google Workspace") == 409


@pytest.mark.parametrize("word", questions()["field_by"])
def test_field_by(vendor: Sandbox, word: str) -> None:
    vendor.configure(field_by=word)
    admin = vendor.find("users", "Ada Admin")["id"]
    fields = {row["name"]: row for row in vendor.state("fields")["fields"]}
    option = next(identifier for identifier, label in fields["Data Classification"]["options"].items() if label)
    label = fields["Data Classification"]["options"][option]
    path = f"{V1}/WorkApps/{vendor.find('apps', 'Figma')['id']}/CustomFields"
    for field, value, form in (
        ("Risk Owner", admin, "id"),
        ("Risk Owner", "Ada Admin", "label"),
        ("Risk Owner", vendor.acting_user, "label"),
        ("Data Classification", option, "id"),
        ("Data Classification", label, "label"),
        ("Automation Ledger", "text", word),
    ):
        body = {"customFields": [{"id": fields[field]["id"], "value": value}]}
        expected = 204 if word in ("either", form) else 400
        assert vendor.call("PATCH", path, json=body).status_code == expected, (field, value)


def test_action_step(vendor: Sandbox) -> None:
    owner, action = vendor.find("users", "Olga Owner")["id"], task_id("action")
    seen = {}
    for word in questions()["action_step"]:
        vendor.configure(action_step=word)
        rows = [*get(vendor, f"Tasks?userId={owner}")["data"], get(vendor, f"Tasks/{action}")["data"]]
        seen[word] = {row.get("isActionStep", "absent") for row in rows}
    assert seen == {"shown": {True, False, None}, "hidden": {"absent"}, "null": {None}}


def holders(vendor: Sandbox, app: str) -> list[str]:
    """Read the accesses of an app once; return the names of those who are listed."""
    rows = vendor.rows(f"{V1}/WorkApps/{vendor.find('apps', app)['id']}/Accesses")
    return [row["user"]["name"] for row in rows]


def readings(vendor: Sandbox, app: str, user: str) -> list[bool]:
    """Read the accesses of an app four times; tell whether somebody was listed."""
    return [user in holders(vendor, app) for _turn in range(4)]


def test_access_delay(vendor: Sandbox) -> None:
    assert post(vendor, f"Tasks/{task_id('action')}/Approve") == 204
    assert readings(vendor, "GitHub", "Petra Pending") == [True] * 4
    vendor.reset(access_delay="late", page_size=5)
    holders(vendor, "GitHub")
    for name in ("action", "removal"):
        assert post(vendor, f"Tasks/{task_id(name)}/Approve") == 204
    assert readings(vendor, "GitHub", "Petra Pending") == [False, False, True, True]
    assert readings(vendor, "Google Workspace", "Petra Pending") == [True, True, False, False]
    assert holders(vendor, "GitHub").count("Petra Pending") == 1


def test_a_second_change_of_an_access_starts_the_delay_anew(vendor: Sandbox) -> None:
    vendor.configure(access_delay="late")
    assert post(vendor, f"Tasks/{task_id('removal')}/Approve") == 204
    assert "Petra Pending" in holders(vendor, "Google Workspace")
    for kind, tasks in (("grant", 3), ("remove", 2)):
        vendor.change("open_request", kind=kind, app="Google Workspace", user="petra.pending@example.com")
        for _step in range(tasks):
            task = vendor.open_task("Petra Pending", "Google Workspace")
            vendor.change("decide_task", task=task["id"], verdict="approve")
        if kind == "grant":
            assert "Petra Pending" in holders(vendor, "Google Workspace")
    assert readings(vendor, "Google Workspace", "Petra Pending") == [True, True, False, False]


def test_recorded_accesses_are_never_late(vendor: Sandbox) -> None:
    vendor.configure(access_delay="late")
    assert post(vendor, f"Tasks/{task_id('action')}/Approve") == 204
    assert "Petra Pending" not in holders(vendor, "GitHub")
    github = vendor.find("apps", "GitHub")
    for user in ("Petra Pending", "Connor Contractor"):
        row = {"workAppId": github["id"], "userId": vendor.find("users", user)["id"]}
        data = [{**row, "permissionLevelId": github["levels"][0]["id"]}]
        assert post(vendor, "WorkApps/Accesses", {"data": data}) == 201
        assert user in holders(vendor, "GitHub")
    vendor.change("remove_access", app="GitHub", user="petra.pending@example.com")
    assert "Petra Pending" not in holders(vendor, "GitHub")


@pytest.mark.parametrize(
    ("word", "status", "marked", "granted"),
    [
        ("idle", "Pending", True, False),
        ("carries_out", "Approved", True, True),
        ("falls_back", "Pending", False, False),
    ],
)
def test_agent(vendor: Sandbox, word: str, status: str, marked: bool, granted: bool) -> None:
    vendor.reset(agent=word)
    known_task = get(vendor, f"Tasks/{task_id('autoprovisioning')}")["data"]
    assert (known_task["status"], known_task["isAutoprovisioning"]) == ("Pending", True)
    vendor.change("open_request", kind="grant", app="AWS", user="connor.contractor@example.com")
    for _review in range(2):
        assert "Connor Contractor" not in holders(vendor, "AWS")
        assert post(vendor, f"Tasks/{vendor.open_task('Connor Contractor', 'AWS')['id']}/Approve") == 204
    request = vendor.state("requests")["requests"][-1]
    task = get(vendor, f"Tasks/{request['task_ids'][-1]}")["data"]
    assert (task["isActionStep"], task["status"], task["isAutoprovisioning"]) == (True, status, marked)
    assert (request["status"] == "Approved") == ("Connor Contractor" in holders(vendor, "AWS")) == granted


def test_every_question_takes_its_words_and_no_others(vendor: Sandbox) -> None:
    for question, words in questions().items():
        for word in words:
            assert vendor.configure(**{question: word})[question] == word
        with pytest.raises(ValueError, match="must be one of"):
            vendor.configure(**{question: "maybe"})
    vendor.reset()
    info = vendor.info()["settings"]
    assert {question: info[question] for question in questions()} == {
        question: default for question, (default, *_others) in questions().items()
    }
