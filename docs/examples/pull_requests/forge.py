# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the plan of a pull request in one comment, and drift in one issue, on GitHub or GitLab.

    python forge.py private             # fail unless the project is private
    python forge.py comment plan.md     # write the comment, or replace its text
    python forge.py issue plan.md       # open the issue, or replace its text
    python forge.py close               # close the issue, if it is open
    python forge.py reviewers NAME      # GitHub: print whether an environment waits for reviewers
    python forge.py latest              # fail unless this run is about the latest commit of its branch

A comment is found by its first line, which is hidden, and by its author, so only text of this script is replaced.
People with write access can edit it too. So it shows a plan, and approves nothing. Plans contain names and e-mail
addresses, so every command fails in a project that is public or internal, before a job prints one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

MARKS = {"comment": "<!-- cakewalk.access plan -->", "issue": "<!-- cakewalk.access drift -->"}
TITLE = "The tenant differs from its files"
NO_PLAN = "### Access as code: no plan\n\nThe run failed before it could write a plan.\n"

Item = dict[str, Any]


class Forge:
    """What GitHub and GitLab have in common.

    :param base: the address of the project in the API.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {os.environ['FORGE_TOKEN']}"

    def call(self, method: str, path: str, **content: Any) -> requests.Response:
        """Send a request, and fail unless it succeeds."""
        url = path if path.startswith("http") else self._base + path
        response = self._session.request(method, url, timeout=30, **content)
        response.raise_for_status()
        return response

    def is_private(self) -> bool:
        """Return whether only members can read the project, and not everybody who has an account."""
        return bool(self.call("GET", "").json().get("visibility") == "private")

    def all(self, path: str, **query: str) -> Iterator[Item]:
        """Yield the items of all pages of a list."""
        response = self.call("GET", path, params={**query, "per_page": "100"})
        yield from response.json()
        while "next" in response.links:
            response = self.call("GET", response.links["next"]["url"])
            yield from response.json()


class GitHub(Forge):
    """The API of GitHub, with the token of a run."""

    update, opened, closed, text_of_issue = "PATCH", "open", ("state", "closed"), "body"

    def __init__(self) -> None:
        project = os.environ["GITHUB_REPOSITORY"]
        super().__init__(f"{os.environ['GITHUB_API_URL']}/repos/{project}")
        self.run = f"{os.environ['GITHUB_SERVER_URL']}/{project}/actions/runs/{os.environ['GITHUB_RUN_ID']}"
        self.comments = f"/issues/{os.environ.get('PULL_REQUEST')}/comments"

    def has_reviewers(self, environment: str) -> bool:
        """Return whether jobs of an environment wait until a reviewer approves."""
        try:
            found = self.call("GET", f"/environments/{environment}").json()
        except requests.HTTPError as error:
            if error.response.status_code != requests.codes.not_found:
                raise
            # GitHub creates an environment for the first job that names it, without reviewers.
            return False
        rules = found.get("protection_rules") or []
        return any(rule["type"] == "required_reviewers" and rule.get("reviewers") for rule in rules)

    def is_latest(self) -> bool:
        """Return whether the run is about the latest commit of its branch."""
        return bool(
            self.call("GET", f"/commits/{os.environ['GITHUB_REF_NAME']}").json()["sha"] == os.environ["GITHUB_SHA"]
        )

    def is_own(self, item: Item) -> bool:
        """Return whether a run wrote it; names of people have no brackets."""
        return bool(item["user"]["login"] == "github-actions[bot]")

    def path(self, kind: str, item: Item) -> str:
        """Return the path of a comment or issue."""
        return f"/issues/comments/{item['id']}" if kind == "comment" else f"/issues/{item['number']}"


class GitLab(Forge):
    """The API of GitLab, with an access token of the project: role Reporter, scope api."""

    update, opened, closed, text_of_issue = "PUT", "opened", ("state_event", "close"), "description"

    def __init__(self) -> None:
        api = os.environ["CI_API_V4_URL"]
        super().__init__(f"{api}/projects/{os.environ['CI_PROJECT_ID']}")
        self.run = os.environ["CI_JOB_URL"]
        self._own_id = self.call("GET", f"{api}/user").json()["id"]
        self.comments = f"/merge_requests/{os.environ.get('CI_MERGE_REQUEST_IID')}/notes"

    def is_latest(self) -> bool:
        """Return whether the job is about the latest commit of its branch."""
        branch = self.call("GET", f"/repository/branches/{quote(os.environ['CI_COMMIT_BRANCH'], safe='')}").json()
        return bool(branch["commit"]["id"] == os.environ["CI_COMMIT_SHA"])

    def is_own(self, item: Item) -> bool:
        """Return whether the user of the token wrote it."""
        return bool(item["author"]["id"] == self._own_id)

    def path(self, kind: str, item: Item) -> str:
        """Return the path of a comment or issue."""
        return f"{self.comments}/{item['id']}" if kind == "comment" else f"/issues/{item['iid']}"


def main(command: str, name: str = "") -> None:
    """Carry out a command.

    :param name: of a file, or of an environment.
    """
    forge = GitHub() if "GITHUB_ACTIONS" in os.environ else GitLab()
    if not forge.is_private():
        sys.exit("Make the project private: others can read it, and plans contain names and e-mail addresses.")
    if command == "latest" and not forge.is_latest():
        sys.exit("There is a later commit. Have its plan approved instead: this one may bring back what was undone.")
    if command in ("private", "latest"):
        return
    if command == "reviewers":
        print(f"has_reviewers={str(isinstance(forge, GitHub) and forge.has_reviewers(name)).lower()}")
        return
    kind = "comment" if command == "comment" else "issue"
    path, query = (forge.comments, {}) if kind == "comment" else ("/issues", {"state": forge.opened})
    text = "body" if kind == "comment" else forge.text_of_issue
    own = (item for item in forge.all(path, **query) if forge.is_own(item))
    found = next((item for item in own if (item[text] or "").startswith(MARKS[kind])), None)
    if command == "close":
        if found:
            forge.call(forge.update, forge.path(kind, found), json=dict([forge.closed]))
        return
    plan = Path(name).read_text(encoding="utf-8") if Path(name).exists() else NO_PLAN
    content = {text: f"{MARKS[kind]}\n{plan}\n[The run]({forge.run})\n"}
    if found:
        forge.call(forge.update, forge.path(kind, found), json=content)
    else:
        forge.call("POST", path, json=content if kind == "comment" else {"title": TITLE, **content})


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except requests.RequestException as problem:
        sys.exit(f"The forge did not do what `{' '.join(sys.argv[1:])}` needs: {problem}")
