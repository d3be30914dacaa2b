# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger of policies in custom fields of the apps, where no file outlives a run.

Everyone who may edit an app can edit its field. So this ledger shows what changes, but never makes a step unnecessary.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from ..._api.catalog import custom_fields_of, holds_text, named
from ..._api.client import Client
from ..._api.errors import CakewalkError
from ..._api.operations import Key
from ..._api.text import printable, summarize
from ..._api.writes import set_custom_fields
from ..core.lookup import Resolver, Row
from ..core.tenant import Tenant
from ..storage.ledger import LedgerEntry
from ..storage.private_file import parse_json

#: The member that marks a text as a ledger, and the version of the format.
_MARK, _FORMAT = "cakewalk.access", 1
#: The time of every entry, since fields store no times: older than any age.
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


class FieldRefused(CakewalkError):
    """A custom field cannot be a ledger, or its content is not valid; C(app_id) is its app."""

    kind = "ledger_field"


class FieldLedger:
    """A ledger in a custom field of each app.

    :param apps: the apps, by id in lower case.
    :param fields: the field of each app, by the same ids.
    :raises FieldRefused: a field is not for text, or its content is not a ledger of its app.
    :raises CakewalkError: in C(forget) and C(keep), if a field could not be written.
    """

    def __init__(self, apps: Mapping[str, Row], fields: Mapping[str, Row]) -> None:
        self._apps = apps
        self._fields = fields
        self._policies = {app_id: _parsed(apps[app_id], field) for app_id, field in fields.items()}

    @classmethod
    def read(cls, reference: str, apps: Iterable[Row], tenant: Tenant) -> FieldLedger:
        """Read the ledger of apps.

        :param reference: the field, by name or id.
        :raises LookupFailed: an app lacks the field, or the reference is ambiguous.
        :raises FieldRefused: see the class.
        """
        by_id = {app["id"].lower(): app for app in apps}
        resolver = Resolver()
        indexes = tenant.indexes((custom_fields_of(app), None) for app in by_id.values())
        fields = {app_id: resolver.find(reference, index) for app_id, index in zip(by_id, indexes, strict=True)}
        resolver.check()
        return cls(by_id, {app_id: field for app_id, field in fields.items() if field is not None})

    def get(self, key: Key) -> LedgerEntry | None:
        """Return the entry with this key."""
        app_id, place = _place(key)
        policy_id = self._policies[app_id].get(place)
        return LedgerEntry({"policy_id": policy_id}, _LONG_AGO) if policy_id is not None else None

    def forget(self, keys: Collection[Key], client: Client) -> None:
        """Delete entries, by one request for each app that has some of them."""
        places = [_place(key) for key in keys if self.get(key) is not None]
        for app_id, place in places:
            del self._policies[app_id][place]
        self._write(places, client, "No policy was assigned. The ledger may have forgotten more than it had to")

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Store entries, by one request for each app."""
        for key, value in entries.items():
            app_id, place = _place(key)
            self._policies[app_id][place] = value["policy_id"]
        self._write(map(_place, entries), client, "The policies were assigned, and the ledger does not know of them")

    def _write(self, places: Iterable[tuple[str, str]], client: Client, consequence: str) -> None:
        app_ids = list(dict.fromkeys(app_id for app_id, _place in places))
        errors = client.each(lambda app_id: self._write_field(app_id, client), app_ids)
        failed = [(app_id, error) for app_id, error in zip(app_ids, errors, strict=True) if error is not None]
        if failed:
            first = failed[0][1]
            apps = summarize(named(self._apps[app_id]) for app_id, _error in failed)
            raise first.restated(
                first.cause, f"{first.hint} {consequence}: {apps}. The next run may count them as changed again."
            )

    def _write_field(self, app_id: str, client: Client) -> CakewalkError | None:
        """Write the field of an app, and return the error if that fails, so that the other fields are written."""
        app, field = self._apps[app_id], self._fields[app_id]
        document = {_MARK: _FORMAT, "app": app_id, "policies": dict(sorted(self._policies[app_id].items()))}
        text = json.dumps(document, separators=(",", ":"))
        try:
            client.send(set_custom_fields(app, {field["id"]: text}, [field["name"]], needs_confirmation=False))
        except CakewalkError as error:
            return error
        return None


def holds_ledger(text: str) -> bool:
    """Return whether a text is a ledger, of any app and however damaged."""
    return text.startswith(f'{{"{_MARK}":')


def _place(key: Key) -> tuple[str, str]:
    """Return the app id of a key, and the rest of the key as the field of the app names it."""
    _kind, app_id, level_id, request_type = key
    return app_id, f"{level_id or 'app'}/{request_type}"


def _parsed(app: Row, field: Row) -> dict[str, str]:
    """Return the policy ids in the field of an app, by place; see C(FieldLedger) for errors."""
    if not holds_text(field):
        raise _refused(app, field, "it is not for text", "Name a text field that serves nothing else.")
    if field.get("value") in (None, ""):
        return {}
    document: Any = None
    try:
        document = parse_json(str(field["value"]))
        error = _error_in(document, app)
    except ValueError:
        error = "it holds something else than a ledger, or a damaged one"
    if error:
        hint = "Clear the field to start anew, or name another one if this one serves something else."
        raise _refused(app, field, error, hint)
    policies: dict[str, str] = document["policies"]
    return policies


def _error_in(document: Any, app: Row) -> str | None:
    """Return why a document is not a ledger of this app, C(None) if it is."""
    version = document.get(_MARK) if isinstance(document, dict) else None
    if isinstance(version, bool) or not isinstance(version, int):
        return "it holds something else than a ledger"
    if version != _FORMAT:
        return f"its format is {version}, and this version of the collection knows {_FORMAT} only"
    if str(document.get("app")).lower() != app["id"].lower():
        return "it holds the ledger of another app, so it was copied"
    policies = document.get("policies")
    if not isinstance(policies, dict) or not all(isinstance(policy_id, str) for policy_id in policies.values()):
        return "it is damaged"
    return None


def _refused(app: Row, field: Row, cause: str, hint: str) -> FieldRefused:
    action = f"use the custom field {named(field)} of the app {named(app)} as ledger"
    return FieldRefused(action, cause, hint, app_id=app["id"], field=printable(field["name"]))
