# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of code: what is read of them, with which lines, what is refused, and what editors are told of their form."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.source import CodeRefused
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.yaml_writer import dump_yaml
from ansible_collections.cakewalk.access.plugins.plugin_utils._code_reader import read
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
ANCHOR = "00000000-0000-4000-8000-000000000000"
TENANT = f"tenant:\n  anchors: [{ANCHOR}]\n"


def folder_of(path: Path, **files: str) -> str:
    """Write files of code beside one that names the tenant, and return their folder."""
    for name, text in {"tenant": TENANT, **files}.items():
        (path / f"{name}.yml").write_text(text, encoding="utf-8")
    return str(path)


def problems(path: Path, **files: str) -> list[tuple[str, str]]:
    """Return what is wrong in files of code: place and message."""
    with pytest.raises(CodeRefused) as caught:
        read(folder_of(path, **files))
    return [(one["at"], one["message"]) for one in caught.value.facts()["problems"]]


def test_files_are_put_together_in_the_order_of_their_names_and_everything_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "z.yaml").write_text("groups:\n- group: C\n  members: []\n", encoding="utf-8")
    (tmp_path / "more" / "zz.YML").write_text("groups:\n- {group: D}\n", encoding="utf-8")
    (tmp_path / "more" / "zzz.Yaml").write_text("groups:\n- {group: E}\n", encoding="utf-8")
    (tmp_path / ".hidden.yml").write_text("{", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("{", encoding="utf-8")
    folder = folder_of(
        tmp_path, b="groups:\n  - group: B\n    members:\n      - x\n      - y\n", a="groups:\n  - {group: A}\n"
    )

    code, positions, _roster = read(folder)

    assert [entry["group"] for entry in code["groups"]] == ["A", "B", "C", "D", "E"]
    assert positions["groups[0]"] == "a.yml:2"
    assert positions["groups[1].members[1]"] == "b.yml:5"
    assert positions["groups[2].group"] == "more/z.yaml:2"
    assert positions["tenant.anchors[0]"] == "tenant.yml:2"


def test_what_cannot_be_looked_into_is_no_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path)
    (tmp_path / "more" / "still").mkdir(parents=True)
    (tmp_path / ".git").symlink_to(tmp_path / "more")
    read(folder)
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if Path(path).name == "still":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    # Root, as which tests may run, may look into every folder.
    monkeypatch.setattr(os, "scandir", refusing)
    assert problems(tmp_path) == [("more/still", "it cannot be read: Permission denied")]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "groups: " + "[" * 99 + "]" * 99])
def test_what_is_nested_beyond_all_code_is_refused_before_it_is_put_together(tmp_path: Path, text: str) -> None:
    ((at, why),) = problems(tmp_path, deep=text)
    # From 6.0.4 on, PyYAML has a limit, too. A file that exceeds it on one line exceeds ours later.
    assert (at, why) in (("deep.yml", "it is nested too deeply"), ("deep.yml:1", "exceeded maximum nesting depth"))


@pytest.mark.parametrize("text", ["$ANSIBLE_VAULT;1.1;AES256\n6162\n6364\n", "$ANSIBLE_VAULT;1.2;AES256;x\n6162\n"])
def test_an_encrypted_file_is_named_as_such(tmp_path: Path, text: str) -> None:
    why = "it is encrypted by ansible-vault; code holds no secrets, so decrypt the file"
    assert problems(tmp_path, groups=text) == [("groups.yml", why)]


@pytest.mark.parametrize("char", ["\ufffe", "\uffff", "\u0000", "\u0085", "\u2028", "\ufeff", "\U0001ffff"])
def test_what_no_file_can_hold_is_escaped_wherever_people_wrote_it(char: str) -> None:
    data = {"groups": [{"group": f"a{char}", "fields": {char: f"{char} b"}}]}
    assert yaml.safe_load(dump_yaml(data, [f"Left out: {char}."])) == data


NAMES = ["Wiki # x", "a\nb: c", "\u2028- d", "\x85e: f", "'\"", "{{ 7 }}", "\ufeff", "\ud800", "x" * 999]


@pytest.mark.parametrize("name", NAMES)
def test_an_id_has_a_comment_with_its_name_that_changes_nothing(name: str) -> None:
    other = "00000000-0000-4000-8000-000000000001"
    data = {"groups": [{"group": ANCHOR.upper(), "members": [ANCHOR, other]}], "fields": {"a": ANCHOR, "b": True}}
    text = dump_yaml(data, (), {ANCHOR: name})
    assert yaml.safe_load(text) == yaml.safe_load(dump_yaml(data)) == data
    lines = text.splitlines()
    assert ["  # " in line for line in lines if ANCHOR in line] == [True] * 3
    assert "  # " not in next(line for line in lines if other in line)
    assert [len(lines), max(map(len, lines)) < 300] == [len(dump_yaml(data).splitlines()), True]


def test_a_folder_that_is_a_link_is_refused_rather_than_left_out(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "more").symlink_to(tmp_path)
    assert problems(tmp_path / "code") == [("more", "it is a link")]


@pytest.mark.parametrize(
    "text", ["No", "1e3", "0x10", "2024-01-01", "null and void", "{{ 7 * 7 }}", "=", "12:30", "yes"]
)
def test_a_scalar_is_the_text_that_stands_there(tmp_path: Path, text: str) -> None:
    plain = f"'{text}'" if text.startswith("{") else text
    code, _positions, _roster = read(folder_of(tmp_path, a=f"groups:\n- group: {plain}\n  members: [{plain}]\n"))
    assert code["groups"] == [{"group": text, "members": [text]}]


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        a="groups: {}\n",
        b="- a list\n",
        c="gruops: []\n",
        d="groups:\n- group: A\n  group: B\n",
        e="groups:\n- group: &x A\n  members: [*x]\n",
        f="groups:\n- !vault A\n",
        g="tenant: {anchors: []}\n",
        h="groups:\n",
        i="groups: [\n",
        j="? [a]\n: b\n",
        k="<<: {groups: []}\n",
    )
    assert {at for at, _message in found} == {
        *("a.yml:1", "b.yml:1", "c.yml:1", "d.yml:3", "e.yml:2", "f.yml:2", "h.yml:1", "i.yml:2", "j.yml:1", "k.yml:1"),
        "tenant.yml:1",
    }


def test_what_grows_without_end_is_refused_before_it_does(tmp_path: Path) -> None:
    levels = "".join(f"b{n + 1}: &b{n + 1} [{', '.join([f'*b{n}'] * 9)}]\n" for n in range(9))
    found = problems(tmp_path, a="groups:\n- group: A\n  members: &m [*m]\n", b=f"b0: &b0 [x]\n{levels}")
    assert any("alias" in message for _at, message in found)


def test_what_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    depth = 3000
    ((at, _message),) = problems(tmp_path, a=f"groups: {'[' * depth}{']' * depth}\n")
    assert at.startswith("a.yml")


def test_code_is_about_a_tenant(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (tmp_path / "tenant.yml").unlink()
    with pytest.raises(CodeRefused, match="section tenant"):
        read(folder)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (tmp_path / "a.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(CodeRefused, match=r"a\.yml: it is not YAML in UTF-8"):
        read(folder)


#: Whether it can be code, and the text of a file.
SAMPLES = {
    "groups: [{group: A, members: [x], mode: exact}]": True,
    "groups: [{group: 365, members: [1]}]": True,
    "groups: [{group: A, members_where: {x: y, u: [v, 1], z: {not: [w]}}}]": True,
    "groups: [{group: A, memebrs: [x]}]": False,
    "groups: [{group: A, mode: own}]": False,
    "groups: [{members: []}]": False,
    "groups: [A]": False,
    "groups: {group: A}": False,
    "groups: [{group: A, members: x}]": False,
    "groups: [{group: A, members: [[x]]}]": False,
    "groups: [{group: [A], members: []}]": False,
    "groups: [{group: A, members: [], allow_empty: [true]}]": False,
    "custom_fields: [{app: A, fields: x=y}]": False,
    "custom_fields: [{app: A, fields: {x: [y]}}]": False,
    "policies: [{select: [all], request_type: grant_access, policy: P}]": False,
    "policies: [{select: {status: [x]}, request_type: grant_access, policy: P}]": False,
    "gruops: []": False,
    "accesses: [{app: A, users: [x], state: absent}]": True,
    "accesses: [{app: A}]": False,
    "custom_fields: [{app: A, fields: {x: 1, y: z}, clear: [u]}]": True,
    "custom_fields: [{fields: {x: y}}]": False,
    "policies: [{app: A, request_type: grant_access, policy: P}]": True,
    "policies: [{select: {all: true}, permission_levels: all, request_type: grant_access, policy: P}]": True,
    "policies: [{app: A, select: {all: true}, request_type: grant_access, policy: P}]": False,
    "policies: [{request_type: grant_access, policy: P}]": False,
    "policies: [{app: A, permission_level: L, permission_levels: all, request_type: grant_access, policy: P}]": False,
    "policies: [{app: A, request_type: grant, policy: P}]": False,
    "policies: [{app: A, select: {custom_field: {value: x}}, request_type: grant_access, policy: P}]": False,
}


@pytest.mark.parametrize("text", SAMPLES)
def test_the_schema_for_editors_and_the_reader_agree(tmp_path: Path, text: str) -> None:
    schema = json.loads((ROOT / "docs" / "access_as_code.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    fits = jsonschema.Draft202012Validator(schema).is_valid(yaml.safe_load(text))
    try:
        read(folder_of(tmp_path, a=text))
    except CodeRefused:
        can_be_read = False
    else:
        can_be_read = True
    assert (fits, can_be_read) == (SAMPLES[text], SAMPLES[text])


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
CODE = st.fixed_dictionaries(
    {"groups": st.lists(st.fixed_dictionaries({"group": TEXTS, "members": st.lists(TEXTS)}), min_size=1)}
)


@given(code=CODE, comments=st.lists(TEXTS))
def test_what_is_written_reads_back_whatever_it_says(
    tmp_path_factory: pytest.TempPathFactory, code: dict[str, Any], comments: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("code")

    found, _positions, _roster = read(folder_of(folder, groups=dump_yaml(code, comments)))

    assert found["groups"] == code["groups"]


def test_how_code_is_written() -> None:
    sections = {
        "groups": [{"group": "Sales & Co", "mode": "exact", "members": [], "allow_empty": True}],
        "custom_fields": [{"app": "no", "fields": {"Cost Center": "#1\u202e\n\U0001f600\U000e0001"}}],
        "policies": [],
    }
    assert dump_yaml(sections, ["Not\nhere\u2028"]) == (
        "---\n"
        "# Not\\nhere\\u2028\n"
        "groups:\n"
        '  - group: "Sales & Co"\n'
        "    mode: exact\n"
        "    members: []\n"
        "    allow_empty: true\n"
        "custom_fields:\n"
        '  - app: "no"\n'
        "    fields:\n"
        '      "Cost Center": "#1\\u202e\\u000a\U0001f600\\U000e0001"\n'
        "policies: []\n"
    )


SECRET = "b3BlbnNzaC1rZXk"
KEY = f"-----BEGIN KEY-----\n{SECRET}\n{SECRET},@\n"


def refused_roster(folder: Path, file: str, column: str = "email") -> list[dict[str, str]]:
    """Return the problems of code that names a roster."""
    text = json.dumps({"roster": {"file": file, "email_column": column}})
    with pytest.raises(CodeRefused) as caught:
        read(folder_of(folder, code=text))
    assert SECRET not in str(caught.value.facts())
    found: list[dict[str, str]] = caught.value.facts()["problems"]
    return found


def test_no_roster_is_read_that_is_not_in_the_folder_of_the_code(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    (folder / ".git").mkdir(parents=True)
    (folder / "more.csv").mkdir()
    for path in (tmp_path / "key.csv", folder / ".key.csv", folder / ".git" / "key.csv"):
        path.write_text(KEY, encoding="utf-8")
    (folder / "key.txt").write_text(KEY, encoding="utf-8")
    (folder / "link.csv").symlink_to(tmp_path / "key.csv")
    elsewhere = "is not in the folder of the code, or it is hidden; give its path from there"
    for file, why in (
        ("../key.csv", elsewhere),
        ("../code/../key.csv", elsewhere),
        (str(tmp_path / "key.csv"), elsewhere),
        ("../no.csv", elsewhere),
        (".key.csv", elsewhere),
        (".git/key.csv", elsewhere),
        ("link.csv/", "is a link"),
        ("link.csv", "is a link"),
        ("more.csv", "is no file"),
        ("key.txt", "must have a name that ends in .csv, .tsv, .yml or .yaml"),
    ):
        ((problem),) = refused_roster(folder, file, "-----BEGIN KEY-----")
        assert problem == {"at": "code.yml:1", "message": f"the roster {file} {why}"}
    (folder / "link.csv").unlink()
    (folder / "more").symlink_to(tmp_path)
    assert refused_roster(folder, "more/key.csv") == [{"at": "more", "message": "it is a link"}]


def test_what_is_no_roster_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "key.csv").write_text(KEY.replace(",@", ""), encoding="utf-8")
    assert refused_roster(tmp_path, "key.csv") == [
        {"at": "key.csv:1", "message": "it has 1 column, and none of them is 'email'"}
    ]
    column = "-----BEGIN KEY-----"
    why = f"the column {column} holds no e-mail address"
    assert refused_roster(tmp_path, "key.csv", column) == [
        {"at": "key.csv:2", "message": why},
        {"at": "key.csv:3", "message": why},
    ]
    (tmp_path / "key.csv").write_text(f"email,end\nx,{SECRET}\n", encoding="utf-8")
    assert refused_roster(tmp_path, "key.csv")[0]["at"] == "key.csv:2"


def test_a_roster_may_be_in_a_subfolder(tmp_path: Path) -> None:
    (tmp_path / "hr").mkdir()
    (tmp_path / "hr" / "people.csv").write_text("email\nerin@example.com\n", encoding="utf-8")
    for file in ("hr/people.csv", "./hr/people.csv"):
        _code, _positions, roster = read(folder_of(tmp_path, code=f"roster: {{file: {file}}}"))
        assert roster is not None
        assert roster["rows"][0]["at"] == f"{file}:2"
