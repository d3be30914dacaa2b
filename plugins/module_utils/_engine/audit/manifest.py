# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe a bundle of evidence: how, when and by which user it was made, and what it cannot show."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..._api.text import printable, summarize
from . import bundle, tables
from .bundle import Bundle
from .pseudonyms import Pseudonymizer
from .table import ID, NAME, Table

#: Which part of a path is the id, as in C(/api/v1/WorkApps/{id}/Accesses).
_ID_AT = 4
#: The limits of what the sums of the files prove.
PROVES = (
    "The checksums reveal accidents, not tampering: anyone who can change a file can change this manifest too. Sign "
    "the manifest, or store its SHA-256, which the run returns, where nobody can change it."
)
#: Questions that readers may have, and that the API cannot answer.
CANNOT_TELL = (
    "Since when people have access, who granted it, and whether they use it: the API shows only a person and a level.",
    "The results of access reviews: the API starts reviews and shows no results.",
    "Which approval policy governs an app or a level: the API does not show assigned policies.",
    "What is in the apps themselves: an account that Cakewalk does not know is not listed.",
    "What happened before and after the two times above, or was done and undone between two bundles.",
    "Whether an app without permission levels gives privileged access, unless the company names it.",
)


def facts_of(
    evidence: Mapping[str, Any], pseudonymizer: Pseudonymizer | None, earlier: Bundle | None, **environment: Any
) -> dict[str, Any]:
    """Return the manifest without its list of files.

    :param evidence: what the module C(cakewalk_evidence) returned.
    :param environment: C(report), which the options name, and C(operator) and C(tool), as the machine reports them.
    """
    return {
        "format": bundle.FORMAT,
        "proves": PROVES,
        "cannot_tell": CANNOT_TELL,
        "base_url": evidence["base_url"],
        "listed_between": evidence["listed_between"],
        **environment,
        "masking": {"method": "HMAC-SHA256", "key_check": pseudonymizer.key_check} if pseudonymizer else None,
        "purposes": evidence["purposes"],
        "privileged": [_rule(rule, pseudonymizer) for rule in evidence["privileged"]],
        "access_rules": evidence["access_rules"],
        "compared_with": earlier and _compared_with(earlier),
        "queries": [
            {"path": _path(query, pseudonymizer), "rows": query["rows"], "pages": query["pages"]}
            for query in evidence["queries"]
        ],
    }


def caveats_of(facts: Mapping[str, Any]) -> list[str]:
    """Return what readers must know about the bundle that was compared with, if there is one.

    :param facts: see C(facts_of).
    """
    earlier = facts["compared_with"]
    if not earlier or earlier["privileged"] == facts["privileged"]:
        return []
    return [
        "The earlier bundle was made with another value of the option privileged. So privileged access may be gained "
        "or lost for that reason alone."
    ]


def warnings_of(unknown: Sequence[tuple[str, int]], unused: Sequence[str], written: Sequence[Table]) -> list[str]:
    """Return warnings for readers who see only the end of the run.

    :param unknown: the statuses that are in no status table, and how often each occurred.
    :param unused: the rules of the option C(privileged) that matched nothing.
    """
    warnings = []
    if unknown:
        words = summarize(f"{printable(word)} ({number})" for word, number in unknown)
        warnings.append(
            f"The report lists these statuses as unknown: {words}. Add them to `known_statuses` if you know what "
            "they mean."
        )
    if unused:
        warnings.append(f"No access matches these entries of privileged: {summarize(unused)}. Check their spelling.")
    (counts,) = (table for table in written if table.name == tables.COUNTS.name)
    differing = [str(row["app"] or row["app_id"]) for row in counts.rows if row["agrees"] == "no"]
    if differing:
        warnings.append(
            f"The number of accounts differs from the number of people listed: {summarize(map(printable, differing))}. "
            "One of the two is wrong. Compare them in the app."
        )
    return warnings


def _rule(rule: Mapping[str, Any], pseudonymizer: Pseudonymizer | None) -> dict[str, Any]:
    return {
        name: pseudonymizer.pseudonym(NAME, text) if pseudonymizer and text is not None else text
        for name, text in rule.items()
    }


def _path(query: Mapping[str, Any], pseudonymizer: Pseudonymizer | None) -> str:
    parts = str(query["path"]).split("/")
    if pseudonymizer and len(parts) > _ID_AT:
        parts[_ID_AT] = pseudonymizer.pseudonym(ID, parts[_ID_AT])
    return "/".join(parts)


def _compared_with(earlier: Bundle) -> dict[str, Any]:
    facts = {name: earlier.manifest.get(name) for name in ("listed_between", "privileged")}
    return {**facts, "manifest_sha256": hashlib.sha256(earlier.texts[bundle.MANIFEST].encode()).hexdigest()}
