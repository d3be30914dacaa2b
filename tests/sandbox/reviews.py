# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access review campaigns."""

from __future__ import annotations

from typing import Any

from .problem import Problem
from .records import Review
from .state import State


def create(state: State, body: dict[str, Any]) -> None:
    """Start a campaign; no apps means all apps, and the name is unique."""
    creator = state.actor(body["createdByUserId"])
    apps = [state.app(identifier) for identifier in body["workAppIds"]] or state.apps.values()
    if any(review.name == body["name"] for review in state.reviews.values()):
        raise Problem(409, f"An access review named {body['name']} exists already.", "taken_review_name")
    review = Review(
        id=state.next_identifier("review"),
        name=body["name"],
        description=body.get("description"),
        reviewer=body["accessReviewType"],
        due_date=body["dueDate"],
        app_ids=[app.id for app in apps],
        created_by=creator.id,
    )
    state.reviews[review.id] = review
