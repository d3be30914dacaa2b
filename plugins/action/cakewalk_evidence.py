# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what the module of this name reads as a bundle of files for auditors."""

from __future__ import annotations

import getpass
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.release import __version__ as core_version

from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import pluralize
from ..module_utils._engine.access_rules.entries import asks_for_roster
from ..module_utils._engine.audit import bundle, comparison
from ..module_utils._engine.audit.manifest import caveats_of, facts_of, warnings_of
from ..module_utils._engine.audit.pseudonyms import pseudonymizer_of
from ..module_utils._engine.audit.table import Table
from ..module_utils._engine.audit.tables import tables_of
from ..module_utils._engine.storage.private_file import PrivateFile
from ..module_utils._module.arguments import CONNECTION
from ..modules.cakewalk_evidence import FILES, SPEC
from ..plugin_utils import _audit_report
from ..plugin_utils._code_reader import source_of
from ..plugin_utils._controller import FileKeepingAction, collection_version
from ..plugin_utils._in_process import option_of


class ActionModule(FileKeepingAction):
    """The action of C(cakewalk_evidence): it masks, compares and writes what the module read."""

    def keep_files(self, options: Mapping[str, Any], run_module: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        validator = ArgumentSpecValidator(FILES, mutually_exclusive=SPEC["mutually_exclusive"])
        validated = validator.validate({name: value for name, value in options.items() if name in FILES})
        if validated.error_messages:
            # The module reports them, together with those of its other options.
            return run_module()
        params = validated.validated_parameters
        PrivateFile(
            str(Path(params["folder"]) / bundle.MANIFEST), "the evidence", "Give another folder."
        ).check_writable()
        pseudonymizer = pseudonymizer_of(params["mask_key"], params["mask_key_path"])
        key_check = pseudonymizer.key_check if pseudonymizer else None
        earlier = bundle.read(params["compare_with"]) if params["compare_with"] else None
        base_url = self._base_url()
        if earlier and base_url:
            comparison.comparable(earlier, base_url, key_check)
        if "source" in options:
            raise ConfigurationError("use source", "it is read from `rules_folder`", "Leave it out.", option="source")
        folder = params["rules_folder"]
        source = {"source": source_of(folder, needs_roster=asks_for_roster)} if folder else {}
        # The module has no use for the key, and may run on another host.
        result = run_module(**({"mask_key": None} if "mask_key" in options else {}), **source)
        result.get("invocation", {}).get("module_args", {}).pop("source", None)
        evidence = json.loads(result.pop("evidence", "null"))
        if evidence is None:
            return result
        if earlier:
            comparison.comparable(earlier, evidence["base_url"], key_check)
        tables = tables_of(evidence)
        if pseudonymizer:
            tables = [pseudonymizer.of(table) for table in tables]
        changes = comparison.changes(earlier, tables) if earlier else None
        report = {name: params[f"report_{name}"] for name in ("title", "company", "operator")}
        facts = facts_of(evidence, pseudonymizer, earlier, report=report, operator=_operator(), tool=_tool())
        counts = {table.name: len(table.rows) for table in tables}
        rows = pluralize(sum(counts.values()), "row", "rows")
        warnings = warnings_of(evidence["unknown_statuses"], evidence["unused_rules"], tables)
        files = _files(facts, tables, changes)
        written = {} if self._task.check_mode else _written(params["folder"], files, facts)
        published = [name for name in ("bundle", "manifest_sha256") if name in written]
        return {
            **result,
            "changed": True,
            "msg": f"The evidence {'would hold' if self._task.check_mode else 'holds'} {rows} in {len(counts)} tables.",
            "warnings": [*result.get("warnings", []), *caveats_of(facts), *warnings],
            "listed_between": facts["listed_between"],
            "counts": counts,
            **({"changes": comparison.totals(changes)} if changes else {}),
            **written,
            "stats": {"evidence_complete": bool(written), **{f"evidence_{name}": written[name] for name in published}},
            # Ansible shows the result without -v then, as it does for debug.
            "_ansible_verbose_always": True,
        }

    def _base_url(self) -> str | None:
        """Return the address of the service if it is known before the module runs."""
        default = CONNECTION["base_url"]["default"] if self._connection.transport == "local" else None
        base_url = option_of(self, "base_url") or default
        return base_url and base_url.rstrip("/")


def _files(facts: Mapping[str, Any], tables: Sequence[Table], changes: Table | None) -> dict[str, str]:
    """Return the content of each file of the bundle except the manifest."""
    shown = [*([changes] if changes else []), *tables]
    shared = {name: facts[name] for name in ("base_url", "listed_between")}
    return {
        **{f"{table.name}.csv": table.as_csv() for table in shown},
        **{f"{table.name}.json": table.as_json(**shared) for table in shown},
        "report.html": _audit_report.html(facts, tables, changes),
    }


def _written(folder: str, files: Mapping[str, str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the bundle, and return its place and its sum."""
    _begun, ended = facts["listed_between"]
    name = f"cakewalk-evidence-{ended.replace('-', '').replace(':', '')}"
    return {
        "manifest_sha256": bundle.write(folder, name, files, facts),
        "bundle": str(Path(folder) / name),
        "files": sorted([*files, bundle.MANIFEST]),
    }


def _operator() -> dict[str, str | None]:
    """Return the user and host that the environment reports, which nothing proves."""
    user: str | None
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = None
    return {"user": user, "host": platform.node()}


def _tool() -> dict[str, str]:
    """Return the versions of the software that makes the bundle."""
    return {"collection": "cakewalk.access", "version": collection_version(), "ansible_core": core_version}
