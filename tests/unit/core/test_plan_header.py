# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The header of a plan names what the options bind it to, and nothing that is not set."""

from __future__ import annotations

from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan_header import plan_header

ADA = "ada.admin@example.com"


def test_a_header_names_everything_that_is_set() -> None:
    params = {
        "base_url": "https://open-api.example.com/",
        "acting_user": ADA,
        "purpose": "As reviewed\nin git",
        "max_removals": 1,
        "max_removal_percent": 10,
        "max_assignments": 2,
        "allow_inactive": True,
        "retry_declined": True,
        "protected_users": ["olga@example.com", ADA],
    }

    assert plan_header(params) == [
        "Tenant: https://open-api.example.com",
        f"Acting user: {ADA}",
        "Purpose: As reviewed\\nin git",
        "Guardrails: at most 1 removal, removals of at most 10 % of what is read, at most 2 policy assignments, "
        f"inactive people may be added, declined requests are made again, protected: olga@example.com, {ADA}",
    ]


def test_a_header_leaves_out_what_is_not_set() -> None:
    unset = {"acting_user": None, "purpose": "", "max_removals": None, "allow_inactive": False, "protected_users": []}
    assert plan_header({"base_url": "http://127.0.0.1", **unset}) == ["Tenant: http://127.0.0.1"]
    assert plan_header({"max_removals": 0, "max_removal_percent": 0}) == [
        "Guardrails: at most 0 removals, removals of at most 0 % of what is read"
    ]
    assert plan_header({"purpose": "long " * 200}) == ["Purpose: " + "long " * 200]
