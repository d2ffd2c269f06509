"""Runs schemathesis against the running server and counts what it tested.

The server comes from the environment (AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID,
AGENTIDP_CLIENT_SECRET); what is exempt, and why, is in
schemathesis.toml; how to authenticate is in hooks.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
SEED = "20260328"
EXAMPLES_MAX = "25"
# One only: CPython 3.11 counts the depth of `ast.parse` for all threads together, and hypothesis parses
# lambdas in each ("SystemError: AST constructor recursion depth mismatch", gh-106905). It also keeps the
# order of the calls, so that a failure comes again.
WORKERS = "1"


def token(base_url: str) -> str:
    form = urllib.parse.urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": os.environ["AGENTIDP_CLIENT_ID"],
            "client_secret": os.environ["AGENTIDP_CLIENT_SECRET"],
            "scope": "agents:read agents:write tokens:read audit:read",
        }
    ).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{base_url}/api/v1/token", form) as answer:
        return str(json.load(answer)["access_token"])


def main() -> int:
    base_url = os.environ["AGENTIDP_BASE_URL"]
    for line in (HERE / "schemathesis.toml").read_text().splitlines():
        if line.startswith("# exempt: "):
            print(line.removeprefix("# "))
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "AGENTIDP_TOKEN": token(base_url),
        "NO_PROXY": "127.0.0.1",
    }
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "--config-file",
        str(HERE / "schemathesis.toml"),
        "run",
        f"{base_url}/openapi.json",
        "--url",
        base_url,
        "--seed",
        SEED,
        "--max-examples",
        EXAMPLES_MAX,
        "--workers",
        WORKERS,
        "--no-color",
    ]
    result = subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE)
    print(result.stdout)
    tested = re.search(r"Tested:\s+(\d+)", result.stdout)
    # One heading an operation, under ERRORS or FAILURES; what follows it says why.
    failures = re.findall(r"^_+ ((?:GET|POST|PATCH|DELETE|PUT) .*?) _+\n+(.*)\n+(.*)", result.stdout, re.M)
    for operation, *why in failures:
        print(f"FAILED {operation}: {' '.join(why).strip()}")
    passed = int(tested.group(1)) if tested else 0
    if result.returncode != 0 or passed == 0:
        print(f"contract: {max(passed - len(failures), 0)} passed, {max(len(failures), 1)} failed, 0 skipped")
        return 1
    print(f"contract: {passed} passed, 0 failed, 0 skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
