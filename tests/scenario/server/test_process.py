"""Starting and ending: ready when it can work, drained when it ends, one process per database, TLS, versions."""
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time
import urllib.request

import requests

from client.http import wait_until
from client.pcx import Pcx
from client.server import Server


def test_credentials_are_stable(own_server):
    server = own_server()
    first = server.credentials
    server.restart()
    server.known_credentials = None
    assert server.credentials == first
    Pcx(server).get("/beneficiaries", expect=200)


def test_credentials_are_for_the_owner_only(own_server):
    server = own_server()
    for name in os.listdir(server.data):
        path = os.path.join(server.data, name)
        if os.path.isfile(path):
            assert not os.stat(path).st_mode & (stat.S_IRWXO | stat.S_IWGRP), name


def test_sigterm_ends_well(own_server):
    server = own_server()
    server.stop()
    server.verify()


def test_sigint_too(own_server):
    server = own_server()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(20) == 0
    server.process = None


def test_second_process_is_refused(own_server, engine):
    if engine != "sqlite":
        return  # PostgreSQL serves several processes
    server = own_server()
    second = Server(sandbox=True)
    try:
        second.data = server.data
        done = subprocess.run(second.command("serve", "--listen", f"127.0.0.1:{second.port}", "--sandbox"),
                              capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode != 0
        assert done.stderr + done.stdout
        assert requests.get(server.url + "/readyz", timeout=5).status_code == 200
    finally:
        second.discard()


def test_sandbox_controls_exist_only_there(own_server, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32).hex().encode())
    key.chmod(0o600)
    server = own_server(sandbox=False, options=["--key-file", str(key)])
    for path in ("/sandbox/clock", "/sandbox/inbox", "/sandbox/hooks"):
        assert requests.get(server.url + path, timeout=5).status_code == 404


def test_needs_a_key_outside_the_sandbox(own_server):
    server = own_server(start=False, sandbox=False)
    done = subprocess.run(server.command("serve", "--listen", f"127.0.0.1:{server.port}"),
                          capture_output=True, text=True, timeout=30, check=False,
                          env={k: v for k, v in os.environ.items() if k != "CAMBIST_KEY"})
    assert done.returncode != 0 and "key" in (done.stdout + done.stderr).lower()


def test_wrong_options_are_refused(own_server):
    server = own_server(start=False)
    for options in (["--no-such-option"], ["--listen", "nonsense"], ["--http-threads", "many"],
                    ["--http-threads", "65"], ["--config", "/nowhere"]):
        done = subprocess.run(server.command("serve", *options), capture_output=True, text=True,
                              timeout=30, check=False)
        assert done.returncode not in (0, -6, -11), options
        assert options[0].lstrip("-").replace("-", "_") in (done.stdout + done.stderr).replace("-", "_")


def test_tls(own_server, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                    cert], check=True, capture_output=True)
    server = own_server(start=False, options=["--tls-cert", str(cert), "--tls-key", str(key)])
    server.url = server.url.replace("http:", "https:")
    context = ssl.create_default_context(cafile=str(cert))
    process = subprocess.Popen(server.command("serve", "--sandbox", "--listen",
                                              f"127.0.0.1:{server.port}", *server.options),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                with urllib.request.urlopen(server.url + "/readyz", context=context, timeout=5) as reply:
                    assert reply.status == 200
                    break
            except OSError:
                time.sleep(0.1)
        else:
            raise AssertionError("no TLS answer")
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.minimum_version = ssl.TLSVersion.TLSv1
        try:
            urllib.request.urlopen(server.url + "/readyz", context=context, timeout=5)
            raise AssertionError("TLS 1.1 was accepted")
        except (OSError, ssl.SSLError):
            pass
    finally:
        process.terminate()
        assert process.wait(30) == 0


def test_draining_finishes_what_was_accepted(own_server):
    """A slow request that is on its way when SIGTERM comes is still answered."""
    server = own_server()
    who = server.credentials["pcx"]["org_admin"]
    replies = []

    def log_in():
        replies.append(requests.post(
            server.url + "/cognito/", json={
                "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": server.credentials["pcx"]["client_id"],
                "AuthParameters": {"USERNAME": who["email"], "PASSWORD": who["password"]}},
            headers={"X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
                     "Content-Type": "application/x-amz-json-1.1"}, timeout=30).status_code)
    callers = [threading.Thread(target=log_in) for _ in range(8)]
    for caller in callers:
        caller.start()
    time.sleep(0.02)
    server.stop()
    for caller in callers:
        caller.join()
    assert replies == [200] * len(replies), f"{replies}\n{server.log_tail()}"


def test_draining_takes_as_long_as_there_is_progress(own_server, engine):
    """What was accepted is done as long as some of it gets done within drain_timeout_s: on a slow machine, where
    all of it takes longer than that, too."""
    server = own_server(options=["--drain-timeout-s", "3"])
    connections = 192 if engine == "sqlite" else 96
    load = subprocess.Popen(server.command("bench http", "--operation", "post-account", "--batch", "1000",
                                           "--duration", "3", "--accounts", "10", "--connections",
                                           str(connections)),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: posted(server) and in_flight(server) >= connections - 8, timeout=60,
                   what="all connections wait")
        server.stop(timeout=120)
        server.verify()
    finally:
        load.kill()
        load.wait()


def metric(server, name):
    lines = requests.get(server.url + "/metrics", timeout=30).text.splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def in_flight(server):
    return metric(server, "cambist_requests_in_flight ")


def posted(server):
    return metric(server, 'cambist_calls_total{operation="fc_ledger_post_account"')


def test_draining_does_not_wait_for_requests_that_never_arrive(own_server):
    """Half a request was not accepted: its sender gets some seconds to complete it, then the process ends well."""
    server = own_server()
    head = b"POST /v1/beneficiaries HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    halves = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(9)]
    try:
        for i, client in enumerate(halves):
            client.sendall([head + b"12345", head[:40], b""][i % 3])
        wait_until(lambda: in_flight(server) >= 3, what="halves arrived")
        server.stop(timeout=20)
    finally:
        for client in halves:
            client.close()


def test_data_of_the_run_survives_a_copy(own_server, engine, tmp_path):
    """A stopped SQLite data directory is the whole installation: copied elsewhere it serves on."""
    if engine != "sqlite":
        return
    server = own_server()
    server.stop()
    copy = own_server(start=False)
    shutil.copytree(server.data, copy.data)
    copy.known_credentials = server.known_credentials
    copy.start()
    Pcx(copy).get("/beneficiaries", expect=200)
