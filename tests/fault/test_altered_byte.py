"""One bit of the ledger turned over in the database file: `cambist verify` says so, wherever it is."""
import os
import pathlib
import random
import sqlite3
import subprocess

import pytest

from client.server import BUILD, ENGINE

CAMBIST = pathlib.Path(BUILD) / "cambist"
FLIPS = 200 if os.environ.get("CAMBIST_TEST_LONG") else 30
pytestmark = pytest.mark.skipif(ENGINE != "sqlite", reason="it is the SQLite file that is altered")

TABLES = ("ledger_transfers", "ledger_journals", "ledger_holds", "ledger_counters", "ledger_key_log",
          "ledger_key_runs", "ledger_key_parts", "ledger_key_entries")


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """A database with holds, keys and descriptions, written by the benchmark."""
    folder = tmp_path_factory.mktemp("altered")
    subprocess.run([CAMBIST, "bench", "ledger", "--directory", folder, "--keep", "--accounts", "200",
                    "--transfers", "6000", "--batch", "1000", "--two-phase", "--described"],
                   check=True, stdout=subprocess.DEVNULL)
    kept = next(folder.glob("cambist-bench-*"))
    with sqlite3.connect(kept / "ledger.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return kept


def varint(page, at):
    value = 0
    for count in range(1, 10):
        byte = page[at]
        at += 1
        if count == 9:
            return value << 8 | byte, at
        value = value << 7 | byte & 127
        if byte < 128:
            return value, at
    raise AssertionError


def local_size(length, page_size):
    """How much of a row lies in its leaf; the rest is in overflow pages (SQLite's file format, 1.6)."""
    most, least = page_size - 35, (page_size - 12) * 32 // 255 - 23
    if length <= most:
        return length
    local = least + (length - least) % (page_size - 4)
    return local if local <= most else least


def live_bytes(database, data):
    """Where the values of rows lie. What is between rows belongs to nothing, and in the types before the values
    SQLite itself ignores some bits (that of the key's place)."""
    with sqlite3.connect(database) as connection:
        marks = ",".join("?" * len(TABLES))
        pages = connection.execute(
            f"SELECT pageno FROM dbstat WHERE name IN ({marks}) AND pagetype = 'leaf'", TABLES).fetchall()
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    spans = []
    for (number,) in pages:
        start = (number - 1) * size
        page = data[start:start + size]
        for cell in range(int.from_bytes(page[3:5], "big")):
            at = int.from_bytes(page[8 + 2 * cell:10 + 2 * cell], "big")
            length, body = varint(page, at)
            _, body = varint(page, body)
            types, _ = varint(page, body)
            spans.append((start + body + types, local_size(length, size) - types))
    return spans


def test_every_flipped_bit_is_noticed(books, tmp_path):
    source = books / "ledger.db"
    data = source.read_bytes()
    spans = live_bytes(source, data)
    assert len(spans) > 10_000
    seed = random.randrange(1 << 32)
    chosen = random.Random(seed)
    altered = tmp_path / "ledger.db"
    for _ in range(FLIPS):
        start, length = chosen.choice(spans)
        at, bit = start + chosen.randrange(length), 1 << chosen.randrange(8)
        changed = bytearray(data)
        changed[at] ^= bit
        altered.write_bytes(changed)
        verified = subprocess.run([CAMBIST, "verify", "--database", altered, "--key-file", books / "key"],
                                  capture_output=True, text=True)
        assert verified.returncode == 1, f"seed {seed}: byte {at}, bit {bit}: {verified.stdout}"
        assert verified.stderr, f"seed {seed}: byte {at}: nothing was said"
