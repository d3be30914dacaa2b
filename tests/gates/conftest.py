# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the ecosystem, run as a user of the collection's repository would run them.

Each gate runs on a copy of the working tree. In make test-all each also runs on a copy with a planted error, since a
gate that cannot fail is worse than no gate.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BUILD = ROOT / ".build"
#: The tools; the matrix names the folder of another ansible-core.
TOOLS = Path(os.environ.get("CAKEWALK_TEST_CORE_BIN", BUILD / "gates" / "bin"))
#: Left out of copies where the project is no git checkout that could tell.
IGNORED = shutil.ignore_patterns(".build", ".git", ".ansible", "output", "__pycache__", ".*_cache", "*.tar.gz")
#: A hook's variables would lead git to the repository that the hook belongs to, and a user's settings may sign commits.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
ENVIRONMENT |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


class Copy:
    """A copy of the working tree at C(ansible_collections/cakewalk/access), a git repository of its own.

    ansible-test needs both: elsewhere, or in an ignored folder of another repository, all is skipped with success.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "ansible_collections" / "cakewalk" / "access"
        self.path.parent.mkdir(parents=True)
        _copy_tree(self.path)
        types = self.path / ".build" / "types"
        types.mkdir(parents=True)
        (types / "ansible_collections").symlink_to(self.root / "ansible_collections")
        self._git("init", "--quiet")
        self.commit()

    def commit(self) -> None:
        """Commit what is there, since ansible-test looks at tracked files only."""
        self._git("add", "--all")
        self._git(
            "-c", "user.name=gates", "-c", "user.email=gates@example.com", "commit", "--quiet", "--message", "copy"
        )

    def plant(self, file: str, old: str, new: str) -> None:
        """Put an error into a file. To add a file, replace the empty text."""
        path = self.path / file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert old in text, f"nothing to replace in {file}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        self.commit()

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a tool in the copy; both output streams come back as C(stdout)."""
        return subprocess.run(
            [str(TOOLS / command[0]), *command[1:]],
            cwd=self.path,
            env={
                **ENVIRONMENT,
                "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(BUILD / "home"),
                "ANSIBLE_COLLECTIONS_PATH": str(self.root),
                "PYTHONPATH": "",
                **environment,
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.path, env=ENVIRONMENT, check=True)


def _copy_tree(target: Path) -> None:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        env=ENVIRONMENT,
        text=True,
        capture_output=True,
        check=False,
    )
    if listing.returncode or not (ROOT / ".git").exists():
        shutil.copytree(ROOT, target, ignore=IGNORED)
        return
    for name in listing.stdout.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


@pytest.fixture(scope="session", autouse=True)
def pip_for_ansible_test() -> None:
    """Give ansible-test a pip of this machine, where it would download one.

    Before it downloads, it looks for a script in its cache; ours takes the pip that Python carries.
    """
    stub = """
import subprocess, sys
wanted = [word for word in sys.argv[1:] if "==" in word]
subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *wanted])
"""
    cache = BUILD / "home" / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for source in TOOLS.parent.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"):
        for version in re.findall(r"pip='([0-9.]+)'", source.read_text(encoding="utf-8")):
            (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(stub, encoding="utf-8")


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy as it is; gates must not change it."""
    return Copy(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def spoilt(tmp_path: Path) -> Iterator[Callable[[str, str, str], Copy]]:
    """Returns a copy with an error planted in one of its files."""

    def plant(file: str, old: str, new: str) -> Copy:
        copy = Copy(tmp_path)
        copy.plant(file, old, new)
        return copy

    yield plant
