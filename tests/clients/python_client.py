"""The clients that are Python libraries, each as a program: read a repository's tags or an image.

Runs in the environment that the install script made for them. The password is taken from REGISTRY_PASSWORD.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--username", required=True)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("action", choices=("tags", "image"))
    parser.add_argument("reference", metavar="HOST/REPOSITORY")
    arguments = parser.parse_args()
    host, _, repository = arguments.reference.partition("/")
    client = CLIENTS[arguments.client](host, repository, arguments.username, os.environ["REGISTRY_PASSWORD"])
    print(client[arguments.action]())


def oras_py(host: str, repository: str, user: str, password: str, backend: str) -> dict[str, Callable[[], Any]]:
    """oras-py with one of its authentication backends."""
    import oras.client

    client = oras.client.OrasClient(hostname=host, auth_backend=backend)
    client.auth.set_basic_auth(user, password)
    return {
        "tags": lambda: client.get_tags(f"{host}/{repository}"),
        "image": lambda: client.get_manifest(f"{host}/{repository}:latest"),
    }


def dxf(host: str, repository: str, user: str, password: str) -> dict[str, Callable[[], Any]]:
    """dxf, answering challenges the way its manual shows."""
    from dxf import DXF

    client = DXF(host, repository, lambda dxf, response: dxf.authenticate(user, password, response=response))
    return {
        "tags": client.list_aliases,
        "image": lambda: [len(b"".join(client.pull_blob(digest))) for digest in client.get_alias("latest")],
    }


CLIENTS: dict[str, Callable[[str, str, str, str], dict[str, Callable[[], Any]]]] = {
    "oras-py-token": lambda *words: oras_py(*words, backend="token"),
    "oras-py-basic": lambda *words: oras_py(*words, backend="basic"),
    "dxf": dxf,
}

if __name__ == "__main__":
    # oras-py tries six times and waits up to 83 seconds in between, which changes nothing that it sends.
    time.sleep = lambda seconds: None
    main()
