# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the content of Cakewalk's webhooks, for the event source C(webhook) and the event filter C(task_hints).

This file is neither. Both load it by its path.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extensions.eda.plugins.event_source import _shared as shared
else:
    shared = SimpleNamespace(**runpy.run_path(str(Path(__file__).resolve().with_name("_shared.py"))))

TEST = "test"
REQUEST_TYPES = frozenset(
    {
        "GrantAccessRequest",
        "RemoveAccessRequest",
        "ArchiveWorkAppRequest",
        "ChangePermissionLevelRequest",
        "AddNewManagedWorkAppRequest",
    }
)


class Malformed(ValueError):
    """A body that differs from the vendor's documentation."""


def read_events(content: Any, max_events: int, source: str) -> tuple[list[shared.Event], int]:
    """Return the events in the JSON of a webhook, and the number of events of unknown types.

    Newer pages of the vendor show an array, older pages a bare object. Both are accepted.

    :param source: what the events name as their source.
    :raises Malformed: any element is malformed; a body is accepted whole or not at all.
    """
    elements = content if isinstance(content, list) else [content]
    if len(elements) > max_events:
        raise Malformed(f"more than {max_events} events")
    events = [_read_event(element, source) for element in elements]
    known = [event for event in events if event]
    return known, len(events) - len(known)


def _read_event(element: Any, source: str) -> shared.Event | None:
    """Return the ids and the words of closed lists in an element, never what people wrote; null for unknown types."""
    if not isinstance(element, dict) or not isinstance(element.get("eventType"), str):
        raise Malformed("an event without eventType")
    if element["eventType"] == TEST:
        return shared.make_event(source, TEST)
    if element["eventType"] != shared.ACTIONABLE:
        return None
    data = element.get("data")
    task_id = _uuid(_member(data, "taskId"))
    if not task_id:
        raise Malformed("an event without a usable taskId")
    metadata = _member(data, "requestMetadata")
    request_type = _member(metadata, "requestType")
    return shared.make_event(
        source,
        shared.ACTIONABLE,
        task_id,
        request_type if isinstance(request_type, str) and request_type in REQUEST_TYPES else None,
        _uuid(_member(_member(metadata, "targetWorkApp"), "id")),
        _uuid(_member(_member(metadata, "permissionLevel"), "id")),
    )


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _uuid(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) and shared.UUID.fullmatch(value) else None
