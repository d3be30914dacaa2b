# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of C(CONNECTION) in C(_module/arguments.py): options to reach the service."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection to Cakewalk."""

    DOCUMENTATION = r"""
options:
  api_key:
    description:
      - The API key. Required. A read-only key is enough for M(cakewalk.access.cakewalk_info) and for check mode.
      - Environment variable E(CAKEWALK_API_KEY).
    type: str
  api_secret:
    description:
      - The secret of the API key. Required.
      - Environment variable E(CAKEWALK_API_SECRET).
    type: str
  base_url:
    description:
      - The address of the API, without C(/api/v1). It must use C(https), except on C(localhost).
      - Environment variable E(CAKEWALK_BASE_URL).
    type: str
    default: https://open-api.getcakewalk.io
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the API. With V(false), others on the network can read key and secret.
      - Environment variable E(CAKEWALK_VALIDATE_CERTS).
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder of CA certificates to use instead of the default ones.
      - Environment variable E(CAKEWALK_CA_PATH).
    type: path
  timeout:
    description:
      - How many seconds to wait for a connection, and for more data.
      - Environment variable E(CAKEWALK_TIMEOUT).
    type: int
    default: 30
  max_retries:
    description:
      - How often to retry a failed request, if a retry is safe.
      - Environment variable E(CAKEWALK_MAX_RETRIES).
    type: int
    default: 4
  requests_per_minute:
    description:
      - The limit on requests of this task in any 60 seconds. The API allows 1,000. V(0) means no limit.
      - Environment variable E(CAKEWALK_REQUESTS_PER_MINUTE).
    type: int
    default: 900
  concurrency:
    description:
      - How many requests to send at the same time, from 1 to 100.
      - Environment variable E(CAKEWALK_CONCURRENCY).
    type: int
    default: 8
  known_statuses:
    description:
      - The meaning of status words that this collection does not know, by kind and class.
      - Environment variable E(CAKEWALK_KNOWN_STATUSES), as JSON.
    type: dict
requirements:
  - python >= 3.10
  - requests >= 2.31.0 (on the machine that runs the module, usually the controller)
notes:
  - Options with an environment variable can also be set by an Ansible variable of that name in lower case, such as
    C(cakewalk_api_key).
  - L(Connection,https://github.com/cakewalk-access/cakewalk.access/blob/main/docs/connection.md)
    explains these options, proxies, and how lists are read.
  - A module runs on the host of its task. With C(hosts=localhost), this is the controller.
seealso:
  - name: Errors
    description: What each kind of error means, and what to do.
    link: https://github.com/cakewalk-access/cakewalk.access/blob/main/docs/errors.md
"""

    #: What the documentation of lookups says in addition, about the same options.
    LOOKUP = r"""
options:
  api_key:
    env: [{name: CAKEWALK_API_KEY}]
    vars: [{name: cakewalk_api_key}]
  api_secret:
    env: [{name: CAKEWALK_API_SECRET}]
    vars: [{name: cakewalk_api_secret}]
  base_url:
    env: [{name: CAKEWALK_BASE_URL}]
    vars: [{name: cakewalk_base_url}]
  validate_certs:
    env: [{name: CAKEWALK_VALIDATE_CERTS}]
    vars: [{name: cakewalk_validate_certs}]
  ca_path:
    env: [{name: CAKEWALK_CA_PATH}]
    vars: [{name: cakewalk_ca_path}]
  timeout:
    env: [{name: CAKEWALK_TIMEOUT}]
    vars: [{name: cakewalk_timeout}]
  max_retries:
    env: [{name: CAKEWALK_MAX_RETRIES}]
    vars: [{name: cakewalk_max_retries}]
  requests_per_minute:
    env: [{name: CAKEWALK_REQUESTS_PER_MINUTE}]
    vars: [{name: cakewalk_requests_per_minute}]
  concurrency:
    env: [{name: CAKEWALK_CONCURRENCY}]
    vars: [{name: cakewalk_concurrency}]
  known_statuses:
    env: [{name: CAKEWALK_KNOWN_STATUSES}]
    vars: [{name: cakewalk_known_statuses}]
notes:
  - The lookup runs on the controller. Keyword arguments win over variables, and variables over the environment.
    C(module_defaults) do not apply to lookups.
  - All terms of a lookup share its requests. Ansible repeats a lookup each time it evaluates the template, so keep a
    result that is used more than once with M(ansible.builtin.set_fact).
  - Unknown names, and names of several holders, are errors. Use C(errors='ignore') to get an empty result instead.
"""

    LOOKUP_OF_ROWS = r"""
options:
  returns:
    description: Whether to return ids, or whole records with the fields of the API in snake_case.
    type: str
    choices: [id, record]
    default: id
"""
