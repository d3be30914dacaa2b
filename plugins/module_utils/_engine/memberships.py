# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task says of groups, decided over what the tenant shows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._api.catalog import GROUPS, USERS, members
from .membership import Claim, Decision, Questions, decide, merged
from .references import Register
from .tenant import Cakewalk


def decided(claims: Sequence[Claim], params: Mapping[str, Any], cakewalk: Cakewalk) -> Decision:
    """Read each group that the claims name, its members, and who else is meant; return what is to be done.

    :param params: the options of C(cakewalk_group_member) beside the claims themselves.
    :raises CakewalkError: see C(membership.decide).
    """
    wishes = merged(claims, cakewalk.register(GROUPS, [claim.group for claim in claims]))
    rosters = [Register(USERS, rows) for rows in cakewalk.read(members(wish.group) for wish in wishes)]
    questions = Questions(wishes, rosters, params)
    people = cakewalk.people(questions.references).assuming(questions.assumed)
    return decide(wishes, rosters, people, questions, params, cakewalk.user_statuses)
