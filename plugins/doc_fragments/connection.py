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
      - The API key, created by an admin in the developer settings of Cakewalk.
      - A read-only key is enough for M(cakewalk.access.cakewalk_info) and for check mode.
      - The environment variable E(CAKEWALK_API_KEY) is used if this is not set.
    type: str
    required: true
  api_secret:
    description:
      - The secret that belongs to O(api_key).
      - The environment variable E(CAKEWALK_API_SECRET) is used if this is not set.
    type: str
    required: true
  base_url:
    description:
      - The address of the service, without C(/api/v1).
      - Must be C(https) unless it is on this very machine, and must hold neither credentials nor a query.
      - The environment variable E(CAKEWALK_BASE_URL) is used if this is not set.
    type: str
    default: https://open-api.getcakewalk.io
  validate_certs:
    description:
      - Whether to check the certificate of the service. V(false) lets anyone on the way read the key and the secret.
      - The environment variable E(CAKEWALK_VALIDATE_CERTS) is used if this is not set.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder of certificates to check the service against instead of the usual ones.
      - The environment variable E(CAKEWALK_CA_PATH) is used if this is not set, then those that the Python library
        requests reads, E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE).
    type: path
  timeout:
    description:
      - How long to wait, in seconds, for a connection, and for more of an answer when it stops coming.
      - The environment variable E(CAKEWALK_TIMEOUT) is used if this is not set.
    type: int
    default: 30
  max_retries:
    description:
      - How often a request is sent again after a failure that allows it.
      - A refusal for too many requests (429) waits as long as the service asks, up to 120 seconds. Server errors and
        lost answers repeat reads and writes of absolute values, but never the creation of something.
      - The environment variable E(CAKEWALK_MAX_RETRIES) is used if this is not set.
    type: int
    default: 4
  requests_per_minute:
    description:
      - How many requests this task sends in any 60 seconds at the most, up to 1,000,000; V(0) sets no limit.
      - The service allows 1,000 in a minute. Lower this where several jobs share one key.
      - The environment variable E(CAKEWALK_REQUESTS_PER_MINUTE) is used if this is not set.
    type: int
    default: 900
  concurrency:
    description:
      - How many requests are under way at the same time, from 1 to 100.
      - The environment variable E(CAKEWALK_CONCURRENCY) is used if this is not set.
    type: int
    default: 8
  known_statuses:
    description:
      - More words for the statuses that the collection knows.
      - The vendor documents only some of the words that its API uses. A status that is in no table is never guessed at,
        it is reported by its name instead; list it here if you know what it means.
      - The environment variable E(CAKEWALK_KNOWN_STATUSES) is used if this is not set, as JSON.
    type: dict
    suboptions:
      user:
        description: Statuses of people.
        type: dict
        suboptions:
          may_act:
            description: Statuses in which a person may be the acting user, besides V(Active).
            type: list
            elements: str
          may_receive_access:
            description:
              - Statuses in which a person may be given access, besides V(Active), V(Invited) and V(Onboarding).
              - People in V(Deactivated), V(Offboarding) or V(Ignored) are refused all the same. People in a status that
                nobody listed are not refused, but a warning names them.
            type: list
            elements: str
      task:
        description:
          - Statuses of approval tasks. Each word stands in one list only; their ASCII case does not count.
        type: dict
        suboptions:
          actionable:
            description: Statuses in which a task can be decided now, besides V(Pending).
            type: list
            elements: str
          open:
            description: Statuses in which a task is not decided and cannot be decided now.
            type: list
            elements: str
          approved:
            description: Statuses of approved tasks, besides V(Approved).
            type: list
            elements: str
          declined:
            description: Statuses of declined tasks, besides V(Declined).
            type: list
            elements: str
          cancelled:
            description: Statuses of tasks that ended without a decision, besides V(Cancelled).
            type: list
            elements: str
      request:
        description:
          - Statuses of access requests. Each word stands in one list only; their ASCII case does not count.
        type: dict
        suboptions:
          open:
            description: Statuses of requests that are on their way, besides V(Pending).
            type: list
            elements: str
          granted:
            description: Statuses of requests that were approved and carried out, besides V(Approved).
            type: list
            elements: str
          declined:
            description: Statuses of declined requests, besides V(Declined).
            type: list
            elements: str
          cancelled:
            description: Statuses of withdrawn requests, besides V(Cancelled).
            type: list
            elements: str
requirements:
  - python >= 3.10
  - requests >= 2.31.0 (on the machine that runs the module, usually the controller)
notes:
  - The module runs where its task is delegated to; with C(hosts) set to C(localhost) that is the controller.
  - Where the connection is local, it runs in the process of Ansible itself, which saves starting one for each task. It
    starts one with C(become), C(async) or C(environment), on macOS, for an C(ansible_python_interpreter) that has other
    packages, and where the variable C(cakewalk_in_process) or the environment variable E(CAKEWALK_IN_PROCESS) is false;
    the former wins. Both ways come to the same. C(-vvv) shows which one it was.
  - Proxies are taken from the usual environment variables (E(HTTPS_PROXY), E(NO_PROXY)); C(netrc) files are not read,
    and redirects are not followed, so that the credentials go nowhere but to O(base_url).
  - A list of several pages may skip a row that moves from one page to another while the list is read. So the list is
    read again, until two readings in a row agree, where the outcome rests on what it does not show. If no two of five
    readings agree, the task fails and names the list. A list that fits one page is read once.
  - Reading ends with an error at bounds that no tenant should come near. They are 32 MiB for the decoded body of an
    answer, 64 levels of nested JSON, 5,000 pages or 512 MiB for a list, and half an hour for a body or a list. The
    error names the list and the bound.
"""
