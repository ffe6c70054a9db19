"""What the scenarios wrote down for the contract gate (CAMBIST_RECORD)."""
import glob
import json
import os
from collections import defaultdict

from client.server import ENGINE


def is_there():
    return bool(os.environ.get("CAMBIST_RECORD"))


def lines(pattern):
    """Of the files of this name, whichever worker wrote them."""
    for path in sorted(glob.glob(os.path.join(os.environ.get("CAMBIST_RECORD", ""), pattern))):
        with open(path, encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


def exchanges():
    return lines(f"{ENGINE}-*.jsonl")


def notes(kind):
    return list(lines(f"{kind}-{ENGINE}-*"))


def by_operation(kind):
    found = defaultdict(list)
    for note in lines(f"{kind}-{ENGINE}-*"):
        found[note["operation"]].append(note)
    return found
