#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access reviews in Cakewalk."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_access_review
short_description: Start access reviews
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Starts an access review, in which reviewers confirm or remove access to apps until a due date.
  - The API can start a review, but cannot list, change or end one. Only the name identifies it.
  - With O(ledger_path), a review is started once. A later run finds it in the ledger and sends nothing. Without a
    ledger it is sent every time, and the API refuses a name that exists.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.ledger
  - cakewalk.access.journal
attributes:
  check_mode:
    description: Predicts the result without writing. It cannot predict that the API refuses the name.
  idempotent:
    support: partial
    description: A second run changes nothing. With O(ledger_path) it also sends nothing.
options:
  name:
    description: The name of the review. It must be unique, so include the period, such as V(Spring 2030).
    type: str
    required: true
  reviewer:
    description:
      - The reviewers. V(app_owner) is the owner of each app, V(manager) the manager of each person, and
        V(review_owner) the O(acting_user).
    type: str
    choices: [app_owner, manager, review_owner]
    required: true
  due_date:
    description:
      - The due date. A date such as V(2030-12-31) means the end of that day in UTC.
      - A time needs an offset or C(Z), such as V(2030-12-31T18:00:00+01:00).
      - A date in the past is an error.
    type: str
    required: true
  description:
    description: A text for the reviewers.
    type: str
  apps:
    description:
      - The apps to review, by exact name or id. Excludes O(all_apps).
      - An empty list is an error, because the API would review all apps.
    type: list
    elements: str
  all_apps:
    description: Whether to review all apps. Excludes O(apps).
    type: bool
    default: false
  protected_users:
    description:
      - Has no effect. It is accepted so that C(group/cakewalk.access.write) can set it for all modules.
      - A review can take access from anybody, and this collection cannot prevent that.
    type: list
    elements: str
    default: []
notes:
  - If the answer to the start is lost, the task fails and does not send it again. Look in Cakewalk whether the review
    started before the next run, which sends it again.
seealso:
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Have the owners of two apps review who has access
  cakewalk.access.cakewalk_access_review:
    name: Development tools, spring 2099
    reviewer: app_owner
    due_date: 2099-04-30
    description: Please remove access that is no longer needed.
    apps:
      - GitHub
      - AWS
    acting_user: ada.admin@example.com
    ledger_path: ~/.cakewalk/ledger.json

- name: Have managers review all access of their people
  cakewalk.access.cakewalk_access_review:
    name: All apps, 2099
    reviewer: manager
    due_date: "2099-12-31T18:00:00+01:00"
    all_apps: true
    acting_user: ada.admin@example.com
    ledger_path: ~/.cakewalk/ledger.json
"""

RETURN = r"""
review:
  description: The review and its outcome.
  returned: success
  type: dict
  contains:
    name:
      description: The name.
      type: str
      sample: Development tools, spring 2099
    reviewer:
      description: The reviewers.
      type: str
      sample: app_owner
    due_date:
      description: The due date in UTC, as sent.
      type: str
      sample: "2099-04-30T23:59:59Z"
    description:
      description: The text for the reviewers.
      type: str
      sample: Please withdraw what is not needed any more.
    all_apps:
      description: Whether the review covers all apps.
      type: bool
      sample: false
    apps:
      description: The names of the apps. Empty if the review covers all apps.
      type: list
      elements: str
      sample: [AWS, GitHub]
    outcome:
      description:
        - V(started), also in check mode, although the API may refuse the name in a run.
        - V(started_before) if it is in the ledger. Nothing was sent. A warning shows if the review was a different one.
        - V(name_refused) if the API refused it, probably because the name exists. See RV(msg).
      type: str
      sample: started
    started_at:
      description: The time of the start in the ledger, with V(started_before).
      type: str
      sample: "2099-03-01T08:00:00+00:00"
    changed_basis:
      description:
        - The basis of C(changed). V(ledger), or V(none) without a ledger.
      type: str
      sample: ledger
    verified:
      description: Always false, since the API cannot list reviews.
      type: bool
      sample: false
msg:
  description: What changed, or in check mode would change, in one sentence; after a failure the error.
  returned: always
  type: str
  sample: "The access review Spring started for 2 apps (which the API cannot confirm)."
steps:
  description:
    - The write, with C(action), C(method) and C(path). In check mode it is C(pending).
  returned: success, and when the step failed
  type: dict
  contains:
    done:
      description: Steps that the API accepted. C(verified) is false, since the API does not show their result.
      type: list
      elements: dict
      sample:
        - action: start the access review 'Development tools, spring 2099' of 2 apps
          method: POST
          path: /api/v1/AccessReviews
    errors:
      description: Steps that failed, each with C(msg), C(kind) and the answer of the API.
      type: list
      elements: dict
      sample: []
    pending:
      description: Steps that were not tried.
      type: list
      elements: dict
      sample: []
    refused:
      description: The write, if the API refused the name.
      type: list
      elements: dict
      sample: []
error:
  description:
    - The error, for programs. Other fields depend on C(kind). Kinds are those of
      M(cakewalk.access.cakewalk_group_member), and V(file) and V(wrong_tenant) for the ledger.
  returned: failure, unless Ansible refuses the options
  type: dict
  sample:
    kind: configuration
    option: due_date
"""

from datetime import datetime, timezone
from typing import Any

from ..module_utils._api.catalog import REVIEWERS
from ..module_utils._api.text import printable
from ..module_utils._engine import access_reviews
from ..module_utils._engine.core.people import acting_user
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._module.arguments import ACTING, CONNECTION, JOURNAL, LEDGER, WRITING, spec
from ..module_utils._module.entry import run_module

SPEC = spec(
    CONNECTION,
    ACTING,
    WRITING,
    LEDGER,
    JOURNAL,
    options={
        "name": {"type": "str", "required": True},
        "reviewer": {"type": "str", "choices": list(REVIEWERS), "required": True},
        "due_date": {"type": "str", "required": True},
        "description": {"type": "str"},
        "apps": {"type": "list", "elements": "str"},
        "all_apps": {"type": "bool", "default": False},
    },
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for C(params): one step, unless the ledger shows that the review was started before."""
    access_reviews.check_options(params)
    review, ledger, resolver = access_reviews.read_review(params, tenant)
    started = ledger.get(review.key) if ledger else None
    if started:
        resolver.check()
        tenant.warnings += access_reviews.changed_since(review, started)
        before = f"the access review {printable(review.name, 80)} was started on {started.at:%Y-%m-%d}, by the ledger"
        return Plan({}, {}, result=review.result("started_before", ledger, started), remark=lambda _applied: before)
    review.check_due(datetime.now(timezone.utc))
    people = tenant.people([params["acting_user"]] if params["acting_user"] else [])
    actor = acting_user(params["acting_user"], people, tenant, resolver)
    tenant.warnings += [] if ledger else [access_reviews.sent_blindly(review)]
    return Plan(
        before={},
        after=review.state(),
        steps=(review.start(actor),),
        result=review.result("started", ledger),
        report=lambda applied: review.refusal(applied, ledger),
        ledger=ledger,
    )


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
