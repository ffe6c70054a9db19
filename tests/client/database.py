"""What a server keeps, read behind its back: which records there are, and whether a call changed them."""
import hashlib
import os
import sqlite3
import urllib.parse

# Refused calls may leave their key, a guess that counts, a log-in or a nonce; workers go on with what was accepted.
RESTLESS = {"commit_token", "idempotency", "message", "outbox", "provider_instruction", "session", "setting",
            "token_replay", "verification_code", "webhook_delivery"}
# Not its version, which counts how often the row was locked.
COLUMNS = {"ledger_tenants": "tenant_id, next_transfer, segment_end, journals, last_journal, last_posted_at, hash"}


def rows_of_sqlite(server):
    path = os.path.join(server.data, "cambist.db")
    database = sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=ro", uri=True, timeout=30)
    try:
        database.execute("BEGIN")
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            if name not in RESTLESS:
                yield name, [repr(row) for row in database.execute(
                    f"SELECT {COLUMNS.get(name, '*')} FROM {name}")]
    finally:
        database.close()


def rows_of_postgresql(server):
    import psycopg2
    database = psycopg2.connect(server.database.url)
    try:
        database.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with database.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (name,) in cursor.fetchall():
                if name not in RESTLESS:
                    cursor.execute(f"SELECT t::text FROM (SELECT {COLUMNS.get(name, '*')} FROM {name}) t")
                    yield name, [row[0] for row in cursor.fetchall()]
    finally:
        database.close()


def digest(server):
    """Table -> (rows, hash of all of them in whatever order)."""
    rows_of = rows_of_postgresql if server.database.url else rows_of_sqlite
    return {name: (len(rows), hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest())
            for name, rows in rows_of(server)}


def difference(before, after):
    """Tables that differ: name -> (rows before, rows after)."""
    return {name: (before.get(name, (0,))[0], after.get(name, (0,))[0])
            for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
