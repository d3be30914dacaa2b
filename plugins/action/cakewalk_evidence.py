# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what a tenant lists as a bundle of files for auditors."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path

from ansible.release import __version__ as core_version
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit import bundle, comparison
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.manifest import (
    caveats_of,
    facts_of,
    warnings_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.privileges import Privileged
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.pseudonyms import pseudonymizer_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.snapshot import take_snapshot
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.tables import Populations
from ansible_collections.cakewalk.access.plugins.plugin_utils import _audit_report
from ansible_collections.cakewalk.access.plugins.plugin_utils._collection import version
from ansible_collections.cakewalk.access.plugins.plugin_utils._reading import ReadingAction

_OPTIONS = {
    "folder": {"type": "path", "required": True},
    "privileged": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"app": {"type": "str"}, "permission_level": {"type": "str"}},
    },
    "include_purposes": {"type": "bool", "default": False},
    "mask_key": {"type": "str", "no_log": True},
    "mask_key_path": {"type": "path", "no_log": False},
    "compare_with": {"type": "path"},
}


class ActionModule(ReadingAction):
    """Reads, puts together, and writes the bundle unless in check mode."""

    def own_options(self):
        return _OPTIONS

    def constraints(self):
        return {"mutually_exclusive": [["mask_key", "mask_key_path"]]}

    def tell(self, params, tenant):
        masks = pseudonymizer_of(params["mask_key"], params["mask_key_path"])
        earlier = _earlier(params, masks)
        listed = take_snapshot(tenant)
        privileged = Privileged(params["privileged"], listed.apps)
        statuses = (tenant.user_statuses, tenant.request_statuses)
        found = Populations(listed, *statuses, privileged, params["include_purposes"])
        tables = [masks.of(table) if masks else table for table in found.tables()]
        changes = comparison.changes(earlier, tables) if earlier else None
        facts = facts_of(params, listed, masks, earlier, operator=_operator(), tool=_tool())
        tenant.warnings += caveats_of(facts) + warnings_of(found.unknown, privileged.unused, tables)
        files = _files(facts, tables, changes)
        counts = {table.name: len(table.rows) for table in tables}
        return {
            "changed": True,
            "msg": ", ".join(f"{name.replace('_', ' ')}: {number}" for name, number in counts.items()),
            "listed_between": facts["listed_between"],
            "counts": counts,
            **({"changes": comparison.totals(changes)} if changes else {}),
            **({} if self._task.check_mode else _written(params["folder"], listed.ended, files, facts)),
            # Shown without -v too, as what debug shows.
            "_ansible_verbose_always": True,
        }


def _earlier(params, masks):
    """Return the bundle to compare with, before anything is read for nothing."""
    if params["compare_with"] is None:
        return None
    earlier = bundle.read(params["compare_with"])
    comparison.comparable(earlier, params["base_url"].rstrip("/"), masks and masks.key_check)
    return earlier


def _files(facts, tables, changes):
    """Return what each file of the bundle holds but the manifest."""
    whole = [*([changes] if changes else []), *tables]
    shared = {name: facts[name] for name in ("base_url", "listed_between")}
    return {
        **{f"{table.name}.csv": table.as_csv() for table in whole},
        **{f"{table.name}.json": table.as_json(**shared) for table in whole},
        "report.html": _audit_report.html(facts, tables, changes),
    }


def _written(folder, ended, files, facts):
    """Write the bundle, and return what tells where it is and what it was."""
    name = f"cakewalk-evidence-{ended.replace('-', '').replace(':', '')}"
    return {
        "manifest_sha256": bundle.write(folder, name, files, facts),
        "bundle": str(Path(folder) / name),
        "files": sorted([*files, bundle.MANIFEST]),
    }


def _operator():
    """Return who runs this, as the environment reports it; nothing proves it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = None
    return {"user": user, "host": platform.node()}


def _tool():
    """Return the versions of what makes the bundle."""
    return {"collection": "cakewalk.access", "version": version(), "ansible_core": core_version}
