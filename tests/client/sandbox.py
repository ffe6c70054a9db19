"""The sandbox's controls: test clock, inbox, provider scripts and events, hook catcher."""
from client.http import Http, wait_until


class Sandbox(Http):
    prefix = "/sandbox"

    def clock(self):
        return self.get("/clock", expect=200).json

    def advance(self, duration):
        """Moves the test clock (ISO 8601 duration). Clients log in again before their next call."""
        reply = self.post("/clock", {"advance": duration}, expect=200)
        self.server.clock_moves += 1
        return reply.json

    def inbox(self, to=None):
        """Messages sent, newest first."""
        found = self.get("/inbox", {"to": to} if to else None, expect=200).json
        return found["messages"] if isinstance(found, dict) else found

    def message(self, to, containing=""):
        """Waits for the newest message to `to` whose text holds `containing`."""
        return wait_until(lambda: next((m for m in self.inbox(to) if containing in str(m)), None),
                          what=f"a message to {to}")

    def requests(self, provider):
        found = self.get(f"/providers/{provider}/requests", expect=200).json
        return found["requests"] if isinstance(found, dict) else found

    def script(self, provider, operation, outcome, count=1, after=0):
        """The next `count` calls of the operation (after `after` that are let through) go so: the names are in
        src/sandbox/outcomes.def."""
        return self.post(f"/providers/{provider}/script",
                         {"operation": operation, "outcome": outcome, "count": count, "after": after},
                         expect=(200, 201, 204))

    def event(self, provider, body, expect=(200, 201, 202, 204)):
        return self.post(f"/providers/{provider}/events", body, expect=expect)

    def hook(self):
        return Hook(self, self.post("/hooks", expect=(200, 201)).json)


class Hook:
    """A URL that catches outgoing webhooks: headers and raw body of each delivery."""

    def __init__(self, sandbox, made):
        self.sandbox = sandbox
        self.id = made["id"]
        self.url = made["url"]

    def deliveries(self):
        found = self.sandbox.get(f"/hooks/{self.id}", expect=200).json
        return found if isinstance(found, list) else found.get("deliveries", found.get("requests"))

    def wait(self, count=1, timeout=15.0):
        return wait_until(lambda: (got := self.deliveries()) and len(got) >= count and got,
                          timeout=timeout, what=f"{count} deliveries to the hook")
