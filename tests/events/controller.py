# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of Automation Controller's API as ansible-rulebook needs to start a job, and what it was asked to start."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

ORGANIZATION, TEMPLATE = "Security", "Carry out a task"
_ASKS = {f"ask_{what}_on_launch": what == "variables" for what in ("limit", "labels", "inventory", "variables")}
_LAUNCH = "/api/v2/job_templates/7/launch/"
_ANSWERS: dict[str, Any] = {
    "/api/v2/config/": {"version": "4.6.0"},
    "/api/v2/unified_job_templates/": {
        "results": [
            {
                "id": 7,
                "type": "job_template",
                "name": TEMPLATE,
                "summary_fields": {"organization": {"name": ORGANIZATION}},
                "related": {"launch": _LAUNCH},
                **_ASKS,
            }
        ]
    },
    _LAUNCH: {"url": "/api/v2/jobs/1/"},
    "/api/v2/jobs/": {"results": [{"id": 1, "status": "successful", "created": "2026-01-01T00:00:00Z"}]},
}


class Controller(ThreadingHTTPServer):
    """Listens on a free port while its C(with) block runs; C(launched) holds the bodies that started jobs."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.launched: list[dict[str, Any]] = []

    def __enter__(self) -> Controller:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *facts: object) -> None:
        self.shutdown()
        super().__exit__(*facts)

    @property
    def environment(self) -> dict[str, str]:
        """What leads ansible-rulebook to it."""
        return {
            "EDA_CONTROLLER_URL": f"http://127.0.0.1:{self.server_address[1]}",
            "EDA_CONTROLLER_TOKEN": "token",
            "EDA_JOB_TEMPLATE_REFRESH_DELAY": "0.1",
        }


class _Handler(BaseHTTPRequestHandler):
    server: Controller

    def do_GET(self) -> None:
        """Answer what the API would."""
        content = json.dumps(_ANSWERS[urlsplit(self.path).path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        """Note what is to be started."""
        self.server.launched.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.do_GET()

    def log_message(self, *_arguments: Any) -> None:
        """Print nothing."""
