# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the APIs of GitHub and GitLab that has comments and issues of one project, with pages of two items."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

#: The user of each token, by name and id.
GITHUB_BOT, GITLAB_BOT = "github-actions[bot]", 42
TOKEN = "token-of-the-forge"
#: The commit that the runs are about.
COMMIT = "a" * 40
#: The most characters of a comment on GitHub.
LONGEST = 65_536
_PAGE = 2
_COMMENTS = re.compile(r"/issues/(?:7/comments|comments/(\d+))|/merge_requests/7/notes(?:/(\d+))?")
_ISSUES = re.compile(r"/issues(?:/(\d+))?")


@dataclass
class Item:
    """A comment or an issue."""

    number: int
    author: str | int
    text: str
    is_open: bool = True
    edits: int = 0


@dataclass
class Forge:
    """The state of the project; the pull request has the number 7."""

    visibility: str = "private"
    has_environment: bool = True
    has_reviewers: bool = False
    head: str = COMMIT
    comments: list[Item] = field(default_factory=list)
    issues: list[Item] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: count(100))

    def add(self, items: list[Item], author: str | int, text: str) -> Item:
        """Add a comment or an issue."""
        items.append(Item(next(self._numbers), author, text))
        return items[-1]

    def __enter__(self) -> Forge:
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                content = json.loads(self.rfile.read(length) or "{}")
                status, body, link = forge.answer(self.command, self.path, self.headers["Authorization"], content)
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if link:
                    self.send_header("Link", f'<{forge.url}{link}>; rel="next"')
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = respond

            def log_message(self, *_facts: object) -> None:
                """Keep the output of the tests clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_facts: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address of both APIs."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, target: str, token: str, content: dict[str, Any]) -> tuple[int, Any, str]:
        """Return status, body and the path of the next page."""
        url = urlsplit(target)
        is_github = url.path.startswith("/repos/example/access")
        path = re.sub(r"^(/repos/example/access|/projects/5)", "", url.path)
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}, ""
        if url.path == "/user" and not is_github:
            return 200, {"id": GITLAB_BOT}, ""
        if path == "":
            # To GitHub, what is internal is private too.
            return 200, {"private": self.visibility != "public", "visibility": self.visibility}, ""
        if path == "/environments/access-apply" and is_github and self.has_environment:
            rules = [{"type": "branch_policy"}, {"type": "required_reviewers", "reviewers": [{"type": "User"}]}]
            return 200, {"protection_rules": rules[: 1 + self.has_reviewers]}, ""
        if path == "/commits/main" and is_github:
            return 200, {"sha": self.head}, ""
        if path == "/repository/branches/main" and not is_github:
            return 200, {"commit": {"id": self.head}}, ""
        comment, issue = _COMMENTS.fullmatch(path), _ISSUES.fullmatch(path)
        if path == url.path or not (comment or issue):
            return 404, {"message": "Not Found"}, ""
        items = self.comments if comment else self.issues
        number = next(filter(None, (comment or issue).groups()), "")
        key = "description" if issue and not is_github else "body"
        if len(content.get(key) or "") > LONGEST:
            return 422, {"message": "body is too long"}, ""
        if method == "GET":
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            listed = [item for item in items if item.is_open or "state" not in query]
            start = int(query.get("page", 1)) * _PAGE - _PAGE
            more = f"{url.path}?{'state=open&' if 'state' in query else ''}page={start // _PAGE + 2}"
            page = [self._shown(item, key, is_github) for item in listed[start : start + _PAGE]]
            return 200, page, more if start + _PAGE < len(listed) else ""
        if method == "POST" and not number:
            item = self.add(items, GITHUB_BOT if is_github else GITLAB_BOT, content[key])
            return 201, self._shown(item, key, is_github), ""
        found = next((item for item in items if str(item.number) == number), None)
        if found is None or method != ("PATCH" if is_github else "PUT"):
            return 404, {"message": "Not Found"}, ""
        found.text, found.edits = content.get(key, found.text), found.edits + 1
        found.is_open = found.is_open and content.get("state") != "closed" and content.get("state_event") != "close"
        return 200, self._shown(found, key, is_github), ""

    def _shown(self, item: Item, key: str, is_github: bool) -> dict[str, Any]:
        author = {"user": {"login": item.author}} if is_github else {"author": {"id": item.author}}
        return {"id": item.number, "number": item.number, "iid": item.number, key: item.text, **author}
