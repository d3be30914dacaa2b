# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger of policies in custom fields of the apps, where no file outlives a run.

Everyone who may edit an app can edit its field. So this ledger shows what changes, but never makes a step unnecessary.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeVar

from ..._api.catalog import custom_fields_of, holds_text, named
from ..._api.client import Client
from ..._api.errors import CakewalkError, ListMoved, OutcomeUnknown
from ..._api.operations import Key
from ..._api.text import parse_json, printable, summarize
from ..._api.writes import set_custom_fields
from ..core.lookup import Resolver, Row
from ..core.tenant import Tenant
from ..storage.ledger import LedgerEntry

#: The member that marks a text as a ledger, and the version of the format.
_MARK, _FORMAT = "cakewalk.access", 1
#: How often a field is written until a read shows what was written.
_ATTEMPTS = 3
#: The time of every entry, since fields store no times: older than any age.
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)

Value = TypeVar("Value")


class FieldRefused(CakewalkError):
    """A custom field cannot be a ledger, or its content is not valid; C(app_id) is its app."""

    kind = "ledger_field"


@dataclass(frozen=True)
class FieldDocument:
    """The ledger in the field of one app.

    :param policies: policy ids by place, see C(_place).
    :param marks: by place, the runs that deleted the policy to replace it, and did not store it yet.
    """

    policies: Mapping[str, str]
    marks: Mapping[str, tuple[str, ...]]

    def differing(self, wanted: Mapping[str, str]) -> set[str]:
        """Return the places that do not hold the wanted policy, or that a run marked."""
        return {place for place, policy_id in wanted.items() if self.policies.get(place) != policy_id} | (
            wanted.keys() & self.marks.keys()
        )

    def forgotten(self, wanted: Mapping[str, str], run: str) -> FieldDocument:
        """Return the document after a run deleted and marked the places that differ; the others stay true."""
        places = {place for place in self.differing(wanted) if run not in self.marks.get(place, ())}
        marks = {place: (*self.marks.get(place, ()), run) for place in places}
        return FieldDocument(_without(self.policies, places), {**self.marks, **marks})

    def kept(self, wanted: Mapping[str, str], done: Collection[str], run: str) -> FieldDocument:
        """Return the document after a run stored the places that are done and that no other run marked.

        The marks of other runs go as well: what they sent may be older than what this run sent.
        """
        places = self.differing(wanted)
        own = {place: wanted[place] for place in places.intersection(done) if self.marks.get(place) == (run,)}
        return FieldDocument({**_without(self.policies, places), **own}, _without(self.marks, places))

    def as_text(self, app_id: str) -> str:
        """Return the text of the field."""
        document: dict[str, Any] = {_MARK: _FORMAT, "app": app_id, "policies": dict(sorted(self.policies.items()))}
        document |= {"marks": {place: list(runs) for place, runs in sorted(self.marks.items())}} if self.marks else {}
        return json.dumps(document, separators=(",", ":"))


class FieldLedger:
    """A ledger in a custom field of each app.

    Each field is read directly before it is written, and again afterwards. The API has no conditional write,
    so a change between a read and the write that follows cannot be excluded.

    :param apps: the apps, by id in lower case.
    :param fields: the field of each app, by the same ids.
    :raises FieldRefused: a field is not for text, or its content is not a ledger of its app.
    :raises CakewalkError: in C(forget) and C(keep), if a field could not be read or written.
    """

    def __init__(self, apps: Mapping[str, Row], fields: Mapping[str, Row]) -> None:
        self._apps = apps
        self._fields = fields
        self._documents = {app_id: _parsed(apps[app_id], field) for app_id, field in fields.items()}
        self._run = secrets.token_hex(4)
        self.changed = False
        #: By app id, the policy that each place of this run is to hold.
        self._wanted: dict[str, dict[str, str]] = {}

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
        policy_id = self._documents[app_id].policies.get(place)
        return LedgerEntry({"policy_id": policy_id}, _LONG_AGO) if policy_id is not None else None

    def forget(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Delete and mark the entries that change, by one request for each app that has some of them."""
        for key, value in entries.items():
            app_id, place = _place(key)
            self._wanted.setdefault(app_id, {})[place] = value["policy_id"]

        def forget(app_id: str) -> None:
            wanted = self._wanted[app_id]
            self._change(app_id, lambda document: document.forgotten(wanted, self._run), client)

        changing = [app_id for app_id, wanted in self._wanted.items() if self._documents[app_id].differing(wanted)]
        self._each(
            forget, changing, client, "No policy was assigned. The ledger may have forgotten more than it had to"
        )

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Store entries, by one request for each app with entries that change."""
        done = list(map(_place, entries))

        def keep(app_id: str) -> None:
            wanted, places = self._wanted[app_id], {place for own_id, place in done if own_id == app_id}
            self._change(app_id, lambda document: document.kept(wanted, places, self._run), client)

        self._each(keep, self._wanted, client, "The policies were assigned, and the ledger does not record them")

    def _change(self, app_id: str, change: Callable[[FieldDocument], FieldDocument], client: Client) -> None:
        """Change the field of an app until a read shows that nothing is left to change."""
        lost: CakewalkError | None = None
        for attempt in range(1 + _ATTEMPTS):
            document = self._read(app_id, client)
            changed = change(document)
            if changed == document:
                return
            if attempt == _ATTEMPTS:
                break
            lost = None
            try:
                self._write(app_id, changed, client)
            except OutcomeUnknown as error:
                lost = error
        raise lost or self._unstable(app_id)

    def close(self) -> None:
        """Do nothing: a field cannot show which runs are under way."""

    def _each(self, act: Callable[[str], None], app_ids: Iterable[str], client: Client, consequence: str) -> None:
        """Act on the field of each app, also after an error, and raise the first error."""

        def error_of(app_id: str) -> CakewalkError | None:
            try:
                act(app_id)
            except CakewalkError as error:
                return error
            return None

        app_ids = list(app_ids)
        errors = client.each(error_of, app_ids)
        failed = [(app_id, error) for app_id, error in zip(app_ids, errors, strict=True) if error is not None]
        if failed:
            first = failed[0][1]
            apps = summarize(named(self._apps[app_id]) for app_id, _error in failed)
            raise first.restated(
                first.cause, f"{first.hint} {consequence}: {apps}. The next run may count them as changed again."
            )

    def _read(self, app_id: str, client: Client) -> FieldDocument:
        app, identifier = self._apps[app_id], self._fields[app_id]["id"]
        rows = client.rows(custom_fields_of(app).listing)
        field = next((row for row in rows if row["id"].lower() == identifier.lower()), None)
        if field is None:
            raise _refused(app, self._fields[app_id], "the app lacks it by now", "Add it again, or name another one.")
        return _parsed(app, field)

    def _write(self, app_id: str, document: FieldDocument, client: Client) -> None:
        app, field = self._apps[app_id], self._fields[app_id]
        values = {field["id"]: document.as_text(app_id)}
        client.send(set_custom_fields(app, values, [field["name"]]))
        self.changed = True

    def _unstable(self, app_id: str) -> CakewalkError:
        app, field = self._apps[app_id], self._fields[app_id]
        return ListMoved(
            f"set {named(field)} of the app {named(app)}",
            f"the field showed something else after each of {_ATTEMPTS} writes",
            "Look at it in Cakewalk, and see that nobody else writes to it.",
        )


def holds_ledger(text: str) -> bool:
    """Return whether a text is a ledger, of any app and however damaged."""
    return text.startswith(f'{{"{_MARK}":')


def _without(mapping: Mapping[str, Value], places: Collection[str]) -> dict[str, Value]:
    return {place: value for place, value in mapping.items() if place not in places}


def _place(key: Key) -> tuple[str, str]:
    """Return the app id of a key, and the rest of the key as the field of the app names it."""
    _kind, app_id, level_id, request_type = key
    return app_id, f"{level_id or 'app'}/{request_type}"


def _parsed(app: Row, field: Row) -> FieldDocument:
    """Return the ledger in the field of an app; see C(FieldLedger) for errors."""
    if not holds_text(field):
        raise _refused(app, field, "it is not for text", "Name a text field that serves nothing else.")
    if field.get("value") in (None, ""):
        return FieldDocument({}, {})
    document: Any = None
    try:
        document = parse_json(str(field["value"]))
        error = _error_in(document, app)
    except ValueError:
        error = "it holds something other than a ledger, or a damaged one"
    if error:
        hint = "Clear the field to begin a new ledger, or name another field if this field has another purpose."
        raise _refused(app, field, error, hint)
    marks: dict[str, list[str]] = document.get("marks", {})
    return FieldDocument(document["policies"], {place: tuple(runs) for place, runs in marks.items()})


def _error_in(document: Any, app: Row) -> str | None:
    """Return why a document is not a ledger of this app, C(None) if it is."""
    version = document.get(_MARK) if isinstance(document, dict) else None
    if isinstance(version, bool) or not isinstance(version, int):
        return "it holds something other than a ledger"
    if version != _FORMAT:
        return f"its format is {version}, and this version of the collection knows {_FORMAT} only"
    if str(document.get("app")).lower() != app["id"].lower():
        return "it holds the ledger of another app, so it was copied"
    policies, marks = document.get("policies"), document.get("marks", {})
    if not isinstance(policies, dict) or not all(isinstance(policy_id, str) for policy_id in policies.values()):
        return "it is damaged"
    if not isinstance(marks, dict) or not all(isinstance(runs, list) for runs in marks.values()):
        return "it is damaged"
    return None


def _refused(app: Row, field: Row, cause: str, hint: str) -> FieldRefused:
    action = f"use the custom field {named(field)} of the app {named(app)} as ledger"
    return FieldRefused(action, cause, hint, app_id=app["id"], field=printable(field["name"]))
