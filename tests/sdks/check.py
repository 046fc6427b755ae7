"""Holds the proxy's table of users (`table`) and its records (`records DIR`) to the calls that were made."""

import json
import os
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

KEYS = ["user", "user_source", "api", "model", "stream", "status", "outcome", "usage_state"]
# What a record never holds: a key, a prompt, an answer.
SECRETS = ["sk-secret", "user-metrics?", "Hello", "Forty-two"]

expected = [json.loads(line) for file in Path(os.environ["EXPECTED"]).iterdir() for line in file.open()]


def check_table():
    """One row for each user, with as many calls in every ending as were made."""
    # The record of a client that went away is made when the proxy notices.
    for _ in range(200):
        with urllib.request.urlopen(os.environ["ADMIN"] + "/metrics/users") as answer:
            table = json.load(answer)
        if sum(row["requests"] for row in table) >= len(expected):
            break
        time.sleep(0.05)
    outcomes = ["completed", "failed", "aborted", "cancelled", "broken"]
    rows = {row.get("user"): {name: row[name] for name in outcomes} for row in table}
    made = {}
    for call in expected:
        made.setdefault(call["user"], dict.fromkeys(outcomes, 0))[call["outcome"]] += 1
    assert rows == made, differences(Counter(map(str, rows.items())), Counter(map(str, made.items())))
    alice = next(row for row in table if row.get("user") == "alicebob@gmail.com")
    assert float(alice["cost_usd"]) > 0 and alice["output_tokens"] > 0, alice
    print(f"sdks: the table has {len(rows)} users, alicebob@gmail.com with {alice['requests']} calls")


def check_records(directory):
    """Exactly one record for each call, with what the caller knows of it."""
    lines = [line for file in Path(directory).glob("*.jsonl") for line in file.open()]
    records = [json.loads(line) for line in lines]
    ids = Counter(record["id"] for record in records)
    assert len(ids) == len(records), "an id stands twice"

    def facts(record):
        return tuple(record.get(key) for key in KEYS)

    made, found = Counter(map(facts, expected)), Counter(map(facts, records))
    assert made == found, differences(found, made)
    for record in records:
        if record["usage_state"] == "reported":
            assert record["output_tokens" if record["api"] != "embeddings" else "input_tokens"] > 0, record
            assert record["cost_state"] in ("priced", "unpriced"), record
    for secret in SECRETS:
        assert not any(secret in line for line in lines), f"a record holds {secret!r}"
    print(f"sdks: {len(records)} calls, {len(records)} records, each as it must be")


def differences(found, made):
    return "\n".join(["", *(f"not there: {x}" for x in made - found), *(f"too many: {x}" for x in found - made)])


if sys.argv[1] == "table":
    check_table()
else:
    check_records(sys.argv[2])
