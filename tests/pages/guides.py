# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes into the guides in C(docs/guides) what their commands print; a test holds that nothing else stands there.

A block C(console) holds commands behind C($ ), each followed by what it prints, where a line C(…) stands for lines that
are left out. Any other block whose first line is C(# NAME.EXT) is a file. All of it happens in one shell, in the order
of the guide, in a folder and a tenant of its own, after what stands in C(README.md), which sets up.
"""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory

from playbooks.harness import COLLECTIONS, CORE_BIN, ROOT
from sandbox.process import Sandbox

SETUP = ROOT / "docs" / "guides" / "README.md"
GUIDES = [ROOT / "README.md", *sorted(SETUP.parent.glob("*.md"))]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^(\$ (?:.*\\\n)*.*\n)", re.MULTILINE)
_FILE = re.compile(r"# (\S+\.\w+)\n")
_ELIDED, _END = "…", "--- the end ---"
#: What is another each time: dates, times, hashes of what holds times or the port, ids of runs, and of requests that
#: were sent at once; the patch release of ansible-core; and the number of days until a date.
_VARYING = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?|\d{8}T\d{6}|\b([0-9a-f]{64}|[0-9a-f]{16})\b"
    r"|(?<=request |ed for: )[0-9a-f]{8}-[0-9a-f-]{27}|(?<=core \d\.\d\d\.)\d+|(?<= in )\d+(?= days?, on )"
)


def rewritten(guide: Path) -> str:
    """Return the text of a guide with what its commands print now; as it stands, where that is the same."""
    text = guide.read_text(encoding="utf-8")
    setup = [] if guide == SETUP else _BLOCK.findall(SETUP.read_text(encoding="utf-8"))
    outputs = iter(_printed([*setup, *_BLOCK.findall(text)])[len(_printing(setup)) :])

    def renewed(block: re.Match[str]) -> str:
        _start, *parts = _COMMAND.split(block[2]) if block[1] == "console" else [""]
        lines = (command + merged(shown, next(outputs)) for command, shown in zip(parts[::2], parts[1::2], strict=True))
        return f"```console\n{''.join(lines)}```" if parts else block[0]

    new = _BLOCK.sub(renewed, text)
    return text if _even(new) == _even(text) else new


def merged(shown: str, printed: str) -> str:
    """Return what was printed without the lines that are left out of what is shown, as far as both have one form."""
    old, new = shown.splitlines(), printed.splitlines()
    lines: list[str] = []
    for tag, start, end, first, last in SequenceMatcher(None, _even(shown), _even(printed), False).get_opcodes():
        lines += [_ELIDED] if tag == "replace" and old[start:end] == [_ELIDED] else new[first:last]
    return "".join(f"{line}\n" for line in lines)


def _even(text: str) -> list[str]:
    return _VARYING.sub("~", text).splitlines()


def _printing(blocks: list[tuple[str, str]]) -> list[str]:
    return [command for language, content in blocks if language == "console" for command in _COMMAND.findall(content)]


def _printed(blocks: list[tuple[str, str]]) -> list[str]:
    """Return what each command prints, both streams, as a terminal shows it with all in its usual place."""
    script = ""
    for language, content in blocks:
        for command in _printing([(language, content)]):
            script += f"{command[2:]}printf '\\n%s\\n' '{_END}'\n"
        if language != "console" and (file := _FILE.match(content)):
            script += f"mkdir -p $(dirname {file[1]}); cat > {file[1]} <<'{_END}'\n{content}{_END}\n"
    # Ansible wraps lines by the length of the paths in them, so that is the same everywhere.
    with Sandbox(rate_limit=0) as tenant, TemporaryDirectory(dir="/tmp") as folder:
        variables = {"HOME": folder, "LANG": "C.UTF-8", "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), **tenant.env}
        variables["CAKEWALK_LEDGER"] = f"{folder}/ledger.json"
        variables["PATH"] = f"{CORE_BIN}{os.pathsep}{os.environ['PATH']}"
        command, both = ["bash", "-c", f"exec 2>&1 </dev/null\n{script}"], subprocess.PIPE
        output = subprocess.run(command, cwd=folder, env=variables, text=True, stdout=both, check=True).stdout
        shown = {tenant.url: "http://127.0.0.1:18725", str(COLLECTIONS): "~/.ansible/collections", folder: "/home/you"}
    for real, seen in {**shown, "\N{BOM}": ""}.items():
        output = output.replace(real, seen)
    output = re.sub(r" +$", "", output, flags=re.MULTILINE)
    return [one.strip("\n") + "\n" if one.strip("\n") else "" for one in output.split(f"\n{_END}\n")[:-1]]


if __name__ == "__main__":
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # Every guide reads the one that sets up, so none is written before all have run.
        texts = list(pool.map(rewritten, GUIDES))
    for path, new in zip(GUIDES, texts, strict=True):
        path.write_text(new, encoding="utf-8")
