"""E-mail: handed to the SMTP server of the configuration, tried again when it is away."""
import socket
import threading
import uuid

import pytest

from client.http import wait_until
from client.pcx import Http
from client.sandbox import Sandbox


class MailServer:
    """As much SMTP as it takes; answers DATA with 451 while `busy`."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.mails, self.busy, self.refused = [], False, 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection, connection.makefile("rwb") as stream:
            def say(text):
                stream.write(text.encode() + b"\r\n")
                stream.flush()
            say("220 test ESMTP")
            recipient = None
            while line := stream.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    say("250 test")
                elif verb == b"RCPT":
                    recipient = line.split(b"<")[1].split(b">")[0].decode()
                    say("250 ok")
                elif verb == b"DATA" and self.busy:
                    self.refused += 1
                    say("451 later")
                elif verb == b"DATA":
                    say("354 go on")
                    text = b""
                    while (line := stream.readline()) != b".\r\n":
                        text += line
                    self.mails.append((recipient, text.decode()))
                    say("250 taken")
                elif verb == b"QUIT":
                    say("221 bye")
                    return
                else:
                    say("250 ok")


@pytest.fixture
def mail_server():
    return MailServer()


class Anybody(Http):
    prefix = "/v1"


def register(server):
    email = f"mail-{uuid.uuid4().hex[:10]}@example.com"
    Anybody(server).post("/users/register", {
        "email": email, "password": "Long-enough-1!", "fname": "Ada", "lname": "Obi",
        "phone": "+2348012345678", "type": "user", "country": "NG"}, expect=(200, 201))
    return email


def test_mail_goes_out(own_server, mail_server):
    server = own_server(options=["--smtp-url", mail_server.url, "--mail-from", "bank@example.com"])
    email = register(server)
    recipient, text = wait_until(lambda: mail_server.mails, what="an e-mail")[0]
    assert recipient == email
    head, body = text.split("\r\n\r\n", 1)
    assert f"To: {email}" in head and "From: bank@example.com" in head and "charset=utf-8" in head
    assert Sandbox(server).message(email)["text"].strip() == body.strip()


def test_mail_is_tried_again(own_server, mail_server):
    mail_server.busy = True
    server = own_server(options=["--smtp-url", mail_server.url])
    register(server)
    wait_until(lambda: mail_server.refused, what="a refusal")
    mail_server.busy = False
    Sandbox(server).advance("PT10M")
    wait_until(lambda: len(mail_server.mails) == 1, what="the e-mail after all")
