# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every role, empty or in another form: it means what it says, or is refused before the first write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from playbooks.harness import ROOT, Data, Playbooks
from roles.cases import Case, case_by_case
from roles.code import CodeFolder
from roles.fulfilment_env import OLGA, FulfilmentEnv
from roles.people import CONNOR, ERIN, OWEN, PETRA, SALLY
from sandbox.known import task_id
from sandbox.process import Sandbox

#: Forms of "not given".
EMPTY: dict[str, Any] = {"null": None, "empty": "", "blank": " \n"}
#: Where the files of a case are; replaced by a folder of its own.
FOLDER = "FOLDER"
_PROTECTED = {"protected_users": ([SALLY, PETRA], f" {SALLY}\r\n\n{PETRA},")}


@dataclass(frozen=True)
class Subject:
    """A role with options with which it does something.

    :param options: without their prefix.
    :param lists: for options that are lists, a list and a text for the same, or C(None) where a text has no meaning.
    :param others: by option what else differs in its cases, such as what excludes it, or makes it wait for long.
    :param more: returns options that depend on the tenant.
    :param change: what changes in the tenant before each case.
    """

    options: Data
    lists: dict[str, tuple[list[Any], str | None]] = field(default_factory=dict)
    others: dict[str, Data] = field(default_factory=dict)
    more: Callable[[Sandbox, Playbooks, Path], Data] = lambda _tenant, _playbooks, _folder: {}
    change: Data | None = None


def _code(tenant: Sandbox, playbooks: Playbooks, _folder: Path) -> Data:
    """Return the folder of code that changes something in each section, and the hash of its plan."""
    code = CodeFolder(tenant, playbooks)
    code.say(
        groups=[{"group": "Contractors", "members": [ERIN], "absent": [CONNOR]}],
        accesses=[{"app": "GitHub", "permission_level": "Read", "users": [CONNOR]}],
        policies=[
            {"app": "GitHub", "permission_level": "Admin", "request_type": "grant_access", "policy": "Two approvals"},
            {"select": {"category": "CATEGORY_SALES"}, "request_type": "remove_access", "policy": "Admins"},
        ],
    )
    asked = {name: SUBJECTS["access_as_code"].options[name] for name in ("purpose", "max_assignments")}
    planned = code.planned(ledger_path=str(code.kept / "no ledger yet"), **asked)
    return {"folder": str(code.folder), "plan_hash": planned["plan_hash"]}


def _rules(tenant: Sandbox, playbooks: Playbooks) -> str:
    """Return a folder with a rule that somebody violates."""
    rules = CodeFolder(tenant, playbooks)
    limits = {"holders_of": [{"group": "Contractors"}], "at_most": 0}
    rules.say(rules=[{"name": "R", "severity": "medium", "reason": "Because", "limits": limits}])
    return str(rules.folder)


def _routes(tenant: Sandbox, playbooks: Playbooks, folder: Path) -> Data:
    """Return a route for the task, with handlers that work."""
    return {"routes": [FulfilmentEnv(folder / "target", tenant, playbooks).route("GitHub")]}


SUBJECTS = {
    "joiner": Subject(
        {
            "user": OWEN,
            "groups": ["Engineering"],
            "accesses": [{"app": "Orphan Wiki"}],
            "purpose": "The purpose",
            "wait_timeout": 1,
            "record_path": f"{FOLDER}/writes.jsonl",
        },
        {
            "groups": (["Engineering", "Sales"], "Engineering\n Sales ,"),
            "accesses": (
                [{"app": "Salesforce", "permission_level": "Standard"}, {"app": "Orphan Wiki"}],
                "Salesforce: Standard\n Orphan Wiki \n",
            ),
            "people": (
                [{"user": OWEN, "groups": ["Engineering", "Sales"]}, {"user": CONNOR, "groups": ["Sales"]}],
                f"{OWEN}: Engineering, Sales\n{CONNOR} : Sales",
            ),
            **_PROTECTED,
        },
        {"people": dict.fromkeys(("user", "groups", "accesses"))},
    ),
    "mover": Subject(
        {
            "user": ERIN,
            "joins": ["Sales"],
            "leaves": ["Engineering"],
            "wait": False,
            "wait_timeout": 1,
            "record_path": f"{FOLDER}/writes.jsonl",
        },
        {
            "joins": (["Sales", "Contractors"], "Sales,Contractors"),
            "leaves": (["Engineering"], "\nEngineering\n"),
            "people": ([{"user": ERIN}, {"user": CONNOR}], f"{ERIN}\n {CONNOR}"),
            **_PROTECTED,
        },
        {"people": {"user": None}},
    ),
    "leaver": Subject(
        {
            "user": ERIN,
            "confirm": ERIN,
            "proof_dir": FOLDER,
            "purpose": "The purpose",
            "wait_timeout": 0,
            "fail_on_left": False,
        },
        {"people": ([{"user": ERIN, "confirm": ERIN}], f"{ERIN}: {ERIN}"), **_PROTECTED},
        # Owen has no access, so that there is nothing to wait for.
        {"people": dict.fromkeys(("user", "confirm")), "wait_timeout": {"user": OWEN, "confirm": OWEN}},
        change={"change": "add_member", "group": "Contractors", "user": OWEN},
    ),
    "access_as_code": Subject(
        {
            "mode": "apply",
            "purpose": "The purpose",
            "max_assignments": 20,
            "ledger_path": f"{FOLDER}/ledger.json",
            "record_path": f"{FOLDER}/writes.jsonl",
        },
        _PROTECTED,
        {"protected_users": {"mode": "plan"}},
        _code,
    ),
    "evidence": Subject(
        {"folder": FOLDER},
        {
            "privileged": (
                [{"app": "GitHub", "permission_level": "Admin"}, {"app": "Figma"}],
                " GitHub : Admin\n\nFigma",
            )
        },
        more=lambda tenant, playbooks, _folder: {"rules_folder": _rules(tenant, playbooks)},
    ),
    "access_rules": Subject(
        {"fail_from": "high", "json_path": f"{FOLDER}/rules.json", "junit_path": f"{FOLDER}/junit.xml"},
        more=lambda tenant, playbooks, _folder: {"folder": _rules(tenant, playbooks)},
    ),
    "task_fulfilment": Subject(
        {"task": task_id("action"), "record_path": f"{FOLDER}/record", "lock_dir": f"{FOLDER}/locks"},
        {
            "routes": ([], None),
            "assignees": ([OLGA, ERIN], f"{OLGA},{ERIN}"),
            "apps": ([task_id("action")], task_id("action")),
            **_PROTECTED,
        },
        {"assignees": {"task": None}},
        _routes,
    ),
}


#: The types of the options that a role with several tasks describes as C(raw).
_TYPES = {"max_tasks": "int"}


def _option_types(role: str) -> dict[str, Data]:
    """Return the options of a role, without the prefix, as the module describes them that gets them."""
    folder = ROOT / "roles" / role
    spec = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = spec["argument_specs"]["main"]["options"]
    if role == "task_fulfilment":
        types = {name: _TYPES.get(name.removeprefix(f"{role}_"), "list") for name in options}
        options = {
            name: {**option, **({"type": types[name]} if option["type"] == "raw" else {})}
            for name, option in options.items()
        }
    else:
        (block,) = yaml.safe_load((folder / "tasks" / "main.yml").read_text(encoding="utf-8"))
        (given,) = [value for key, value in block["block"][0].items() if key.startswith("cakewalk.access.")]
        module = import_module(f"ansible_collections.cakewalk.access.plugins.modules.cakewalk_{role}")
        names = {value.split()[1]: name for name, value in given.items()}
        assert names.keys() == options.keys()
        options = {variable: module.SPEC["argument_spec"][name] for variable, name in names.items()}
    return {name.removeprefix(f"{role}_"): option for name, option in options.items()}


class Trials:
    """The cases of a role, and which come to the same.

    :param base: options with which the role does something.
    """

    def __init__(self, base: Data) -> None:
        self.cases: dict[str, Data] = {}
        self.same: dict[str, str] = {}
        self.same_or_refused: dict[str, str] = {}
        self.refused: set[str] = set()
        self._base = base

    def option(self, name: str, option: Data, subject: Subject) -> None:
        """Add the cases of an option."""
        base = {**self._base, **subject.others.get(name, {})}
        sample, text = subject.lists.get(name, (None, None))

        def give(form: str, value: Any) -> str:
            self.cases[f"{name}: {form}"] = {**base, name: value}
            return f"{name}: {form}"

        self.cases[nothing := f"{name}: not given"] = {key: value for key, value in base.items() if key != name}
        for form, value in EMPTY.items():
            self.same[give(form, value)] = nothing
        self.same_or_refused[give("an empty list", [])] = nothing
        if option["type"] == "list":
            assert sample is not None, name
            given = give("a list", base.get(name) or sample)
            if sample:
                given = give("another list", sample)
            if text is None:
                self.refused.add(give("words", "words"))
            else:
                self.same[give("a text", text)] = given
            for form, value in {"null": [None], "empty": [""], "blank": [" "]}.items():
                self.same_or_refused[give(f"a list of {form}", value)] = nothing
            self.refused.add(give("a mapping", {"a": "b"}))
            for inner, suboption in (option.get("options") or {}).items():
                self._inner(name, inner, suboption, base.get(name) or sample, give)
        else:
            self._wrong(option["type"], base.get(name), give)

    def _inner(self, name: str, inner: str, option: Data, entries: list[Data], give: Callable[[str, Any], str]) -> None:
        """Add the cases of an option of the entries of a list."""
        first, *others = entries
        without = {key: value for key, value in first.items() if key != inner}
        nothing = give(f"{inner} not given", [without, *others])

        def give_inner(form: str, value: Any) -> str:
            return give(f"{inner} {form}", [{**first, inner: value}, *others])

        for form, value in EMPTY.items():
            self.same_or_refused[give_inner(form, value)] = nothing
        if option["type"] == "list":
            self.refused.add(give_inner("a mapping", {"a": "b"}))
        elif option["type"] != "dict":
            self._wrong(option["type"], first.get(inner), give_inner)

    def _wrong(self, kind: str, value: Any, give: Callable[[str, Any], str]) -> None:
        """Add the cases of an option that is not a list."""
        value = value if value is not None else {"bool": True, "int": 1}.get(kind, "words")
        self.refused |= {give("a list of one", [value]), give("a list of two", [value, value])}
        self.refused.add(give("a mapping", {"a": value}))
        if kind in ("bool", "int"):
            self.refused.add(give("words", "words"))
        if kind == "int":
            self.refused.add(give("a boolean", True))


def _came_to(case: Case) -> Data:
    """Return what a case came to, without what differs in each run."""
    shown = [result.data for result in case.results if {"plan", "people", "counts", "tasks"} & result.data.keys()]
    return {
        "failed": case.has_failed,
        "written": _written(case),
        "plan": [{name: data.get(name) for name in ("plan", "plan_hash", "counts") if name in data} for data in shown],
    }


def _written(case: Case) -> list[tuple[str, str, str]]:
    return sorted(
        (entry["method"], entry["path"], str(entry["body"])) for entry in case.log if entry["method"] != "GET"
    )


@pytest.mark.slow
@pytest.mark.parametrize("role", SUBJECTS)
def test_an_option_means_what_it_says_or_is_refused(
    playbooks: Playbooks, tenant: Sandbox, tmp_path: Path, role: str
) -> None:
    subject = SUBJECTS[role]
    trials = Trials({**subject.options, **subject.more(tenant, playbooks, tmp_path)})
    for name, option in _option_types(role).items():
        trials.option(name, option, subject)
    folders = {case: str(tmp_path / "cases" / str(number)) for number, case in enumerate(trials.cases)}
    cases = {case: _placed(role, given, folders[case]) for case, given in trials.cases.items()}
    changes = dict.fromkeys(cases, subject.change) if subject.change else None

    came_of = case_by_case(playbooks, f"cakewalk.access.{role}", cases, changes, fresh=True)

    came_to = {name: _came_to(case) for name, case in came_of.items()}
    lies = {
        case: (came_to[case], came_to[other]) for case, other in trials.same.items() if came_to[case] != came_to[other]
    }
    for case, other in trials.same_or_refused.items():
        if came_to[case] != came_to[other] and (came_to[case]["written"] or not came_to[case]["failed"]):
            lies[case] = (came_to[case], came_to[other])
    for case in trials.refused:
        if came_to[case]["written"] or not came_to[case]["failed"]:
            lies[case] = (came_to[case], {})
    assert lies == {}


def _placed(role: str, given: Data, folder: str) -> Data:
    """Return options as variables of a role whose files are in a folder."""
    return {
        f"{role}_{name}": value.replace(FOLDER, folder) if isinstance(value, str) else value
        for name, value in given.items()
    }
