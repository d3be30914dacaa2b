# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger of policies in the tenant itself, for where disks do not last: each app holds its part in a custom field.

Anyone who may edit the app can edit it, so it tells what changes and never what can be left out.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from ..._api.catalog import custom_fields_of, holds_text, named
from ..._api.client import Client
from ..._api.errors import CakewalkError
from ..._api.operations import Key, Step
from ..._api.text import printable, summarize
from ..._api.writes import set_custom_fields
from ..core.lookup import Resolver, Row
from ..core.tenant import Tenant
from ..storage.ledger import LedgerEntry
from ..storage.private_file import parse_json

#: What marks the text as ours, and the version of its form.
_MARK, _FORMAT = "cakewalk.access", 1
#: Fields hold no times, so that what they hold is older than any age.
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


class FieldRefused(CakewalkError):
    """A custom field cannot serve as ledger, or what it holds cannot be trusted; C(app_id) is its app."""

    kind = "ledger_field"


class FieldLedger:
    """A ledger in a custom field of each app.

    :param apps: the apps, by id in lower case.
    :param fields: the field of each, likewise.
    :raises FieldRefused: a field is none for text, or holds something else than this.
    """

    def __init__(self, apps: Mapping[str, Row], fields: Mapping[str, Row]) -> None:
        self._apps = apps
        self._fields = fields
        self._policies = {identifier: _parsed(apps[identifier], field) for identifier, field in fields.items()}

    @classmethod
    def read(cls, reference: str, apps: Iterable[Row], tenant: Tenant) -> FieldLedger:
        """Read the ledger of these apps.

        :param reference: the field, by name or id.
        :raises LookupFailed: an app has no such field, or several.
        :raises FieldRefused: see the class.
        """
        by_id = {app["id"].lower(): app for app in apps}
        registers = tenant.indexes((custom_fields_of(app), None) for app in by_id.values())
        finder = Resolver()
        found = [finder.find(reference, register) for register in registers]
        finder.check()
        fields = {identifier: field for identifier, field in zip(by_id, found, strict=True) if field is not None}
        return cls(by_id, fields)

    def get(self, key: Key) -> LedgerEntry | None:
        """Return what is remembered under this key."""
        app_id, place = _place(key)
        policy_id = self._policies[app_id].get(place)
        return LedgerEntry({"policy_id": policy_id}, _LONG_AGO) if policy_id is not None else None

    def forget(self, keys: Collection[Key], client: Client) -> None:
        """Forget these keys: a request for each app that remembers one of them.

        :raises CakewalkError: it could not be written to every app.
        """
        places = [_place(key) for key in keys if self.get(key) is not None]
        for app_id, place in places:
            del self._policies[app_id][place]
        self._write(places, client, "No policy was assigned. The ledger may have forgotten more than it had to")

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Remember this: a request for each app that is concerned.

        :raises CakewalkError: it could not be written to every app.
        """
        for key, value in entries.items():
            app_id, place = _place(key)
            self._policies[app_id][place] = value["policy_id"]
        self._write(map(_place, entries), client, "The policies were assigned, and the ledger does not know of them")

    def _write(self, places: Iterable[tuple[str, str]], client: Client, consequence: str) -> None:
        app_ids = list(dict.fromkeys(app_id for app_id, _rest in places))
        errors = dict(zip(app_ids, client.each(lambda one: _error(self._step(one), client), app_ids), strict=True))
        failed = [(app_id, error) for app_id, error in errors.items() if error is not None]
        if failed:
            first = failed[0][1]
            where = summarize(named(self._apps[app_id]) for app_id, _its_error in failed)
            raise first.restated(
                first.cause, f"{first.hint} {consequence}: {where}. The next run may count them as changed again."
            )

    def _step(self, app_id: str) -> Step:
        app, field = self._apps[app_id], self._fields[app_id]
        document = {_MARK: _FORMAT, "app": app_id, "policies": dict(sorted(self._policies[app_id].items()))}
        text = json.dumps(document, separators=(",", ":"))
        return set_custom_fields(app, {field["id"]: text}, [field["name"]], needs_confirmation=False)


def holds_ledger(text: str) -> bool:
    """Tell whether a text is what a ledger remembers, of whatever app and however damaged."""
    return text.startswith(f'{{"{_MARK}":')


def _error(step: Step, client: Client) -> CakewalkError | None:
    try:
        client.send(step)
    except CakewalkError as error:
        return error
    return None


def _place(key: Key) -> tuple[str, str]:
    """Return the app that a key is about, and how its field calls the rest of it."""
    _kind, app_id, level_id, request_type = key
    return app_id, f"{level_id or 'app'}/{request_type}"


def _parsed(app: Row, field: Row) -> dict[str, str]:
    """Return what the field of an app holds: ids of policies by place.

    :raises FieldRefused: it is none for text, or holds something else.
    """
    if not holds_text(field):
        raise _refused(app, field, "it is not for text", "Name a text field that serves nothing else.")
    text = field.get("value")
    if not text:
        return {}
    reason = _flaw(text, app)
    if reason:
        raise _refused(
            app, field, reason, "Clear the field to start anew, or name another one if this one serves something else."
        )
    policies: dict[str, str] = json.loads(text)["policies"]
    return policies


def _flaw(text: str, app: Row) -> str | None:
    """Return why a text is not a ledger of this app, C(None) where it is."""
    try:
        document = parse_json(text)
    except ValueError:
        return "it holds something else than a ledger, or a damaged one"
    if (
        not isinstance(document, dict)
        or isinstance(document.get(_MARK), bool)
        or not isinstance(document.get(_MARK), int)
    ):
        return "it holds something else than a ledger"
    if document[_MARK] != _FORMAT:
        return f"its format is {document[_MARK]}, and this version of the collection knows {_FORMAT} only"
    if str(document.get("app")).lower() != app["id"].lower():
        return "it holds the ledger of another app, so it was copied"
    policies = document.get("policies")
    if not isinstance(policies, dict) or not all(isinstance(one, str) for one in policies.values()):
        return "it is damaged"
    return None


def _refused(app: Row, field: Row, answer: str, remedy: str) -> FieldRefused:
    attempt = f"use the custom field {named(field)} of the app {named(app)} as ledger"
    return FieldRefused(attempt, answer, remedy, app_id=app["id"], field=printable(field["name"]))
