"""A timestamping authority on loopback: an HTTP server in front of `openssl ts -reply`, with a root of its own.

The root and the authority's certificate are made anew each time, of P-256 keys; the clock is the machine's.
"""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MISSING = None if shutil.which("openssl") else "openssl is not installed: no authority can be run"
CONTENT_TYPE = "application/timestamp-reply"

_CONFIG = """
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.crt
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return key


def _certificate(name: str, key: ec.EllipticCurvePrivateKey, *, root: bool) -> x509.CertificateBuilder:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named("a root"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
    )
    if not root:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return made


def make(folder: Path) -> Path:
    """Make an authority's keys, certificates and configuration in `folder`; return the file of its root."""
    folder.mkdir(parents=True, exist_ok=True)
    root_key, key = _key(folder / "root.key"), _key(folder / "tsa.key")
    for name, owner, root in (("root.pem", root_key, True), ("tsa.crt", key, False)):
        builder = _certificate("a root" if root else "an authority", owner, root=root)
        signed = builder.sign(root_key, hashes.SHA256())
        (folder / name).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    return folder / "root.pem"


def reply(folder: Path, query: bytes) -> bytes:
    """Return the answer of the authority in `folder`."""
    asked, answered = folder / "asked.tsq", folder / "answered.tsr"
    asked.write_bytes(query)
    args = ("-reply", "-config", folder / "tsa.cnf", "-section", "tsa", "-queryfile", asked, "-out", answered)
    subprocess.run(["openssl", "ts", *args], check=True, capture_output=True)
    return answered.read_bytes()


def verified(data: Path, answer: Path, root: Path) -> bool:
    """Return whether `openssl ts -verify` finds the answer good for the bytes of `data`, under `root`."""
    args = ("-verify", "-data", data, "-in", answer, "-CAfile", root)
    return subprocess.run(["openssl", "ts", *args], check=False, capture_output=True).returncode == 0


Answer = Callable[[bytes], tuple[int, dict[str, str], bytes]]  # from a query: status, headers, body


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, answer: Answer, *args: object) -> None:
        self._answer = answer
        super().__init__(*args)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        status, headers, body = self._answer(self.rfile.read(int(self.headers["Content-Length"])))
        with suppress(ConnectionError):  # whoever asked may have been killed
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body)), "Content-Type": CONTENT_TYPE} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Answer POST requests on loopback; give the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, answer))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsa"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def authority(folder: Path) -> Iterator[str]:
    """Serve the authority in `folder`, which `make` made; give its URL."""
    with serving(lambda query: (200, {}, reply(folder, query))) as url:
        yield url
