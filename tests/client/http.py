"""Requests and replies: exact decimals both ways, and a record of everything for the contract gate."""
import json
import os
import threading
import time
from decimal import Decimal

import requests


def dumps(value):
    """JSON text in which a Decimal is a number with exactly its digits."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(k))}:{dumps(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(dumps(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def loads(text):
    return json.loads(text, parse_float=Decimal)


def wait_until(condition, timeout=15.0, interval=0.02, what="condition"):
    """The first true value of `condition()`; fails the test when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} seconds (last: {value!r})")
        time.sleep(interval)


class Recorder:
    """Appends every exchange to a file, one JSON object a line: the contract gate reads it afterwards."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.kept = []
        self.file = None
        if path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.file = open(path, "a", encoding="utf-8")  # closed by close()

    def record(self, method, url, request_body, reply, test):
        if not self.file:
            return
        exchange = {
            "method": method, "url": url, "request": request_body, "status": reply.status,
            "content_type": reply.headers.get("Content-Type"), "reply": reply.text, "test": test}
        with self.lock:
            self.kept.append(exchange)
            self.file.write(json.dumps(exchange) + "\n")
            self.file.flush()

    def close(self):
        if self.file:
            self.file.close()


class Reply:
    def __init__(self, status, headers, text, what):
        self.status = status
        self.headers = headers
        self.text = text
        self.what = what

    @property
    def ok(self):
        return 200 <= self.status < 300

    @property
    def json(self):
        return loads(self.text)

    @property
    def data(self):
        return self.json["data"]

    def __repr__(self):
        return f"<{self.what}: {self.status} {self.text[:600]}>"


class Http:
    """One caller of one base URL. Subclasses add credentials and envelopes."""

    prefix = ""

    def __init__(self, server):
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False

    def headers_for(self, path):
        return {}

    def send(self, method, path, body=None, params=None, headers=None, raw=None, expect=None,
             files=None):
        """`body` is sent as JSON, `raw` as it is. `expect` (a status or several) is asserted."""
        text = raw if raw is not None else None if body is None else dumps(body)
        all_headers = {}
        if text is not None and files is None:
            all_headers["Content-Type"] = "application/json"
        all_headers.update(self.headers_for(path))
        all_headers.update(headers or {})
        all_headers = {k: v for k, v in all_headers.items() if v is not None}
        return self.exchange(method, path, text, params, all_headers, expect, files)

    def exchange(self, method, path, text, params, headers, expect, files=None):
        url = self.server.url + self.prefix + path
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        answer = self.session.request(method, url, params=params, data=data, headers=headers,
                                      files=files, timeout=60, allow_redirects=False)
        reply = Reply(answer.status_code, answer.headers, answer.text, f"{method} {path}")
        return self.received(method, answer.request.path_url, text, reply, expect)

    def received(self, method, target, request_text, reply, expect):
        self.server.recorder.record(method, target, request_text if isinstance(request_text, str)
                                    else None, reply, os.environ.get("PYTEST_CURRENT_TEST"))
        if expect is not None:
            expected = expect if isinstance(expect, tuple) else (expect,)
            assert reply.status in expected, f"expected {expect}, got {reply!r}"
        return reply

    def get(self, path, params=None, **rest):
        return self.send("GET", path, params=params, **rest)

    def post(self, path, body=None, **rest):
        return self.send("POST", path, body, **rest)

    def put(self, path, body=None, **rest):
        return self.send("PUT", path, body, **rest)

    def patch(self, path, body=None, **rest):
        return self.send("PATCH", path, body, **rest)

    def delete(self, path, body=None, **rest):
        return self.send("DELETE", path, body, **rest)
