"""What the records must say of the calls that are made: one line for each call, in a file of the script's own."""

import json
import os
import sys

PROXY = os.environ["PROXY"]
ANSWER = "Forty-two, as far as anybody has been able to work it out so far."
KEY = "sk-secret-of-the-caller"
# The page's user, whichever way it is named.
ALICE = "alicebob@gmail.com"

_name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
_file = open(os.path.join(os.environ["EXPECTED"], f"{_name}.jsonl"), "a", buffering=1)


def expect(
    user,
    api,
    model,
    source="header",
    stream=False,
    status=200,
    outcome="completed",
    usage="reported",
):
    """One call that was just made, as its record must have it."""
    record = {
        "user": user,
        "user_source": source,
        "api": api,
        "model": model,
        "stream": stream,
        "status": status,
        "outcome": outcome,
        "usage_state": usage,
    }
    _file.write(json.dumps(record) + "\n")


def user_header(user):
    return {"Helicone-User-Id": user}
