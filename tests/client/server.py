"""Starts, stops and kills a cambist of its own: free port, empty data directory, fresh database."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

import requests

from client.http import Recorder

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("CAMBIST_BUILD", "build"))
ENGINE = os.environ.get("CAMBIST_ENGINE", "sqlite")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Database:
    """A fresh, empty PostgreSQL database in the server that CAMBIST_TEST_POSTGRESQL names; None for SQLite."""

    def __init__(self, engine):
        self.url = None
        self.admin_url = os.environ.get("CAMBIST_TEST_POSTGRESQL")
        if engine == "sqlite":
            return
        if not self.admin_url:
            raise RuntimeError("CAMBIST_TEST_POSTGRESQL is not set: start one with tools/postgresql")
        self.name = "cambist_" + uuid.uuid4().hex[:12]
        self.run(f"CREATE DATABASE {self.name}")
        self.url = self.admin_url.replace("/cambist?", f"/{self.name}?")
        assert self.url != self.admin_url

    def run(self, statement):
        import psycopg2
        connection = psycopg2.connect(self.admin_url)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def cut_connections(self):
        """Ends every connection to the database, as a failing network or a restart would."""
        return len(self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                            f"WHERE datname = '{self.name}'"))

    def drop(self):
        if self.url:
            self.run(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


class Server:
    def __init__(self, engine=ENGINE, build=BUILD, sandbox=True, record=None, options=()):
        self.engine = engine
        self.binary = os.path.join(build, "cambist")
        self.directory = tempfile.mkdtemp(prefix="cambist-test-")
        self.data = os.path.join(self.directory, "data")
        self.database = Database(engine)
        self.sandbox = sandbox
        self.options = list(options)
        self.recorder = Recorder(record)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = os.path.join(self.directory, "log")
        self.process = None
        self.clock_moves = 0  # clients take new tokens when the clock has moved
        self.known_credentials = None

    def command(self, name, *options):
        """Words of a command line for this server's data; `name` may be several words."""
        database = ["--database", self.database.url] if self.database.url else []
        return [self.binary, *name.split(), "--data", self.data, *database, *options]

    def start(self, timeout=30.0):
        serve = self.command("serve", "--listen", f"127.0.0.1:{self.port}", *self.options)
        if self.sandbox:
            serve.append("--sandbox")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(serve, stdout=log, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + timeout
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"cambist ended with {self.process.returncode} at start:\n"
                                     + self.log_tail())
            try:
                if requests.get(self.url + "/readyz", timeout=5).status_code == 200:
                    return self
            except requests.RequestException:
                pass
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError("cambist was not ready in time:\n" + self.log_tail())
            time.sleep(0.02)

    def log_tail(self, count=40):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-count:])

    @property
    def credentials(self):
        """What `cambist credentials` prints; stable once made."""
        if self.known_credentials is None:
            printed = subprocess.run(self.command("credentials"), capture_output=True, text=True,
                                     timeout=30, check=False)
            assert printed.returncode == 0, printed.stderr
            self.known_credentials = json.loads(printed.stdout)
        return self.known_credentials

    def kill(self):
        """Ends the process as a power failure would: no drain, no goodbye."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process = None

    def stop(self, timeout=30.0):
        """Drains and ends; the exit code must say so."""
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("SIGTERM: no end in time:\n" + self.log_tail()) from None
        self.process = None
        assert code == 0, f"cambist ended with {code}:\n" + self.log_tail()

    def restart(self):
        self.stop()
        return self.start()

    def verify(self):
        """`cambist verify` recomputes the whole ledger; the server must be stopped (SQLite)."""
        done = subprocess.run(self.command("verify"), capture_output=True, text=True, timeout=300,
                              check=False)
        assert done.returncode == 0, f"verify: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def close(self):
        try:
            self.stop()
            self.verify()
        finally:
            self.discard()

    def discard(self):
        self.kill()
        self.recorder.close()
        self.database.drop()
        if not os.environ.get("CAMBIST_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)
