# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A target system for tests: accounts in an SQLite table, handled from the command line.

C(grant PATH EMAIL LEVEL) and C(remove PATH EMAIL) write, and say whether something changed; C(show PATH EMAIL) tells as
JSON whether there is an account with an address. Each write counts a call, also one that changed nothing.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing

_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (email TEXT PRIMARY KEY, level TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (verb TEXT NOT NULL, email TEXT NOT NULL);
"""


def main(verb: str, path: str, email: str, level: str = "") -> None:
    """Carry out one command."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(_TABLES)
        if verb == "show":
            row = database.execute("SELECT level FROM accounts WHERE email = ?", (email,)).fetchone()
            print(json.dumps({"email": email, "state": "present" if row else "absent", "level": row[0] if row else ""}))
            return
        database.execute("INSERT INTO calls VALUES (?, ?)", (verb, email))
        before = database.total_changes
        if verb == "grant":
            database.execute(
                "INSERT INTO accounts VALUES (?, ?) ON CONFLICT (email) DO UPDATE SET level = excluded.level "
                "WHERE level != excluded.level",
                (email, level),
            )
        else:
            database.execute("DELETE FROM accounts WHERE email = ?", (email,))
        print("changed" if database.total_changes > before else "unchanged")


if __name__ == "__main__":
    main(*sys.argv[1:])
