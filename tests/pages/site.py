# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the documentation site: C(python -m pages.site FOLDER).

Its pages are those that GitHub shows: C(docs), the READMEs of the roles and a few others. C(docs/README.md) is the
first page, and its lists are the menu.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent.parent
REPOSITORY = "https://github.com/cakewalk-access/cakewalk.access/blob/main/"
INDEX = "docs/README.md"
#: Pages outside C(docs).
OTHERS = ("CHANGELOG.rst", "CONTRIBUTING.md", "GLOSSARY.md", "SECURITY.md")

_CODE = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))|(?<=\]: )\S+$", re.MULTILINE)
_ENTRY = re.compile(r"\[([^\]]+)\]\(([^)#\s]+)\)")


def pages(root: Path) -> dict[str, str]:
    """Return where each page is on the site, by its path in the repository."""
    docs = [str(path.relative_to(root)) for path in sorted(root.glob("docs/**/*.md"))]
    roles = [path.parent.name for path in sorted(root.glob("roles/*/README.md"))]
    return {
        **{path: path.removeprefix("docs/").replace("README.md", "index.md") for path in docs},
        **{f"roles/{role}/README.md": f"roles/{role}.md" for role in roles},
        **{path: path.lower() for path in OTHERS},
    }


def write_sources(root: Path, folder: Path) -> None:
    """Write the pages as Sphinx reads them."""
    places = pages(root)
    for path, place in places.items():
        text = (root / path).read_text(encoding="utf-8")
        if path.endswith(".md"):
            text = relinked(text, path, places, root)
        # The theme has a list of the headings of each page.
        text = text.replace(".. contents:: Topics\n", "")
        if path == INDEX:
            text += menu(text)
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text, encoding="utf-8")


def relinked(text: str, path: str, places: Mapping[str, str], root: Path) -> str:
    """Return a page whose links lead to pages of the site, or to GitHub for all other files.

    :raises FileNotFoundError: a link leads nowhere.
    """

    def link(found: re.Match[str]) -> str:
        address, hash_sign, anchor = found.group().partition("#")
        if not address or ("://" in address and not address.startswith(REPOSITORY)):
            return found.group()
        local = address.removeprefix(REPOSITORY)
        target = local if local != address else posixpath.normpath(posixpath.join(posixpath.dirname(path), address))
        if not (root / target).exists():
            raise FileNotFoundError(f"{path}: {found.group()} leads nowhere")
        if target not in places:
            return f"{REPOSITORY}{target}{hash_sign}{anchor}"
        return posixpath.relpath(places[target], posixpath.dirname(places[path]) or ".") + hash_sign + anchor

    parts = _CODE.split(text)
    return "".join(part if number % 2 else _LINK.sub(link, part) for number, part in enumerate(parts))


def menu(index: str) -> str:
    """Return a table of contents for each section of the first page, of the pages that it leads to."""
    lines = []
    for section in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        caption = section.partition("\n")[0]
        entries = [f"{title} <{place}>" for title, place in _ENTRY.findall(section) if "://" not in place]
        lines += ["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```"]
    return "\n".join([*lines, ""])


def main() -> int:
    """Build the site into the folder given; warnings are errors."""
    from sphinx.cmd.build import main as sphinx

    with TemporaryDirectory() as sources:
        write_sources(ROOT, Path(sources))
        settings = str(Path(__file__).parent / "sphinx")
        quiet = ["--quiet", "--fail-on-warning", "--keep-going", "--fresh-env"]
        return sphinx([*quiet, "--builder", "html", "--conf-dir", settings, sources, sys.argv[1]])


if __name__ == "__main__":
    sys.exit(main())
