"""Clients are given the documents that the gate tests against."""
import json
import os

import pytest
import requests

from client.contract import DIALECTS
from client.server import BUILD


@pytest.mark.parametrize("dialect", DIALECTS)
def test_served_as_built(server, dialect):
    served = requests.get(f"{server.url}/openapi/{dialect}.json", timeout=30)
    with open(os.path.join(BUILD, "src/generated", dialect + ".json"), encoding="utf-8") as file:
        assert served.json() == json.load(file)
