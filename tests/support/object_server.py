"""moto's server of S3 on loopback, in a process of its own, and requests to it that are not ours to make.

moto wants an older python-dateutil than pandas brings here, so it lives in an environment of its own:
`scripts/objects.sh` makes one, and `MOTO_PYTHON` names its interpreter.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection

PYTHON = os.environ.get("MOTO_PYTHON")
SECRET = "secret-of-a-test"  # noqa: S105 - of a server that asks for none

# moto asks for a header of the SDK's where AWS is content with the checksum itself. Source: docs.aws.amazon.com,
# "Object Lock considerations": an upload carries Content-MD5 or x-amz-checksum-*.
SERVER = """
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

moto = DomainDispatcherApplication(create_backend_app)

def app(environ, start):
    if "HTTP_X_AMZ_CHECKSUM_SHA256" in environ:
        environ["HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"] = "SHA256"
    return moto(environ, start)

make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
"""
LOCK = b"""<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>
<Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule></ObjectLockConfiguration>"""


class ObjectServer:
    """A running server: `env` is what a process that uses it has in its environment."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.env: Mapping[str, str] = {
            "AWS_ACCESS_KEY_ID": "key-of-a-test",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ALLOW_HTTP": "true",
        }

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Return the headers, in lower case, and the body of the answer to one request, once its status is 200."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        # moto checks no signature, but gives a private object to nobody without one.
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request, Signature=0"}
        connection.request(method, path, body=body, headers={**signed, **(headers or {})})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert 200 == answer.status, content
        return {name.lower(): value for name, value in answer.getheaders()}, content


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """Give a server for the block, with the bucket `prices`, and `locked`, whose objects nobody removes for 30 days."""
    assert PYTHON is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([PYTHON, "-c", SERVER, str(port)], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        server = ObjectServer(port)
        server.ask("PUT", "/prices")
        server.ask("PUT", "/locked", headers={"x-amz-bucket-object-lock-enabled": "true"})
        server.ask("PUT", "/locked?object-lock", LOCK)
        yield server
    finally:
        process.kill()
        process.wait()
