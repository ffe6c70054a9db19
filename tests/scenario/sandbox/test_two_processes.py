"""Two processes on one database: what waits in the outbox is done by one of them."""
import http.server
import json
import threading
import time

import pytest

from client.http import wait_until
from client.pcx import Pcx, Platform
from client.server import Server

EVENTS = 60


class Catcher(http.server.ThreadingHTTPServer):
    """Slow, so that both processes have time to look at the same rows."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Receiver)
        self.bodies = []
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.02)
        self.server.bodies.append(json.loads(body)["data"]["number"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_each_webhook_is_sent_once(engine, own_server):
    if engine != "postgresql":
        pytest.skip("a SQLite file has one process")
    first = own_server(options=["--node", "1"])
    second = Server(options=["--node", "2"])
    second.database.drop()
    second.database, second.data = first.database, first.data
    second.known_credentials = first.credentials
    second.start()
    catcher = Catcher()
    try:
        Platform(first).post("/webhooks", {"url": catcher.url}, expect=201)
        callers = [Pcx(first, "org_admin"), Pcx(second, "org_admin")]
        for number in range(EVENTS):
            caller = callers[number % 2]
            caller.post("/public/webhooks/notify", {
                "org_id": caller.org_id,
                "transaction_data": {"status": "completed", "number": number}}, expect=200)
        wait_until(lambda: len(set(catcher.bodies)) == EVENTS, what="all events")
        time.sleep(1.5)
        assert sorted(catcher.bodies) == list(range(EVENTS))
    finally:
        catcher.shutdown()
        second.kill()
        second.recorder.close()
