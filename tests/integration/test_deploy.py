"""What deploy/ promises, with the real systemd-analyze and a real nginx: no address lands, none can be forged.

The surroundings are hostile on purpose: the main configuration around the site logs everything, with
addresses, as distributions do.
"""

import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from firmly.measure.wire import MAX_BODY_BYTES

DEPLOY = Path(__file__).parents[2] / "deploy"
SITE = (DEPLOY / "nginx.conf").read_text()
UNIT = (DEPLOY / "firmly.service").read_text()
VISITOR = "127.0.0.77"
FORGED = "203.0.113.99"
APP, CUSTOMER = "firmly.example.com", "www.example.com"
FORGED_HEADERS = {
    "X-Forwarded-For": f"{FORGED}, 10.0.0.1",
    "Forwarded": f"for={FORGED}",
    "X-Real-IP": FORGED,
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
}


def tool(name: str) -> str:
    """Find a program of the system, or fail: these tests are not skipped."""
    found = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        pytest.fail(f"{name} is missing: install the Debian packages nginx, openssl and systemd")
    return found


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


# --- the unit ---


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here: `verify` looks for it."""
    file = tmp_path / "firmly.service"
    file.write_text(UNIT.replace("/opt/firmly/bin/firmly", "/bin/true"))
    return file


def test_unit_is_valid(unit: Path) -> None:
    result = run(tool("systemd-analyze"), "verify", "--man=no", str(unit))
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_unit_with_a_wrong_setting_is_noticed(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystem=perhaps"))
    result = run(tool("systemd-analyze"), "verify", "--man=no", str(unit))
    assert "perhaps" in result.stderr


def test_unit_exposure_is_low(unit: Path) -> None:
    """The scale ends at 10.0; the threshold of the tool is in tenths."""
    result = run(tool("systemd-analyze"), "security", "--offline=true", "--no-pager", "--threshold=15", str(unit))
    assert result.returncode == 0, result.stdout


def test_unit_keeps_memory_off_the_disk() -> None:
    lines = UNIT.splitlines()
    assert {"LimitCORE=0", "MemorySwapMax=0", "PrivateTmp=yes", "UMask=0077", "StateDirectoryMode=0700"} <= set(lines)


# --- the text of the site ---


def directives(name: str, text: str = SITE) -> list[str]:
    """Return the values of a directive, comments aside."""
    plain = re.sub(r"#[^\n]*", "", text)
    return [" ".join(value.split()) for value in re.findall(rf"(?<![\w-]){name}\s+([^;]*);", plain)]


def servers() -> list[str]:
    return re.findall(r"^server \{.*?^\}", SITE, re.MULTILINE | re.DOTALL)


def size(text: str) -> int:
    return int(text[:-1]) * 1024 if text.endswith("k") else int(text)


def test_site_every_server_logs_nothing() -> None:
    assert len(servers()) == SITE.count("\nserver {") == 5
    for server in servers():
        assert directives("access_log", server) == ["off"]
        assert directives("error_log", server) == ["/dev/null emerg"]


def test_site_names_the_address_only_where_it_is_handed_on_or_counted() -> None:
    variables = r"\$(?:binary_)?remote_addr|\$realip_\w+|\$proxy_add_x_forwarded_for|\$http_x_\w+|\$http_forwarded"
    lines = [line.strip() for line in SITE.splitlines() if re.search(variables, line) and not line.startswith("#")]
    assert sorted(set(lines)) == [
        "limit_conn_zone $binary_remote_addr zone=firmly_connections:1m;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
    ]
    assert directives("log_format") == []


def test_site_bodies_fit_into_memory_and_the_collectors_limit_below() -> None:
    limits, buffers = directives("client_max_body_size"), directives("client_body_buffer_size")
    assert limits == buffers
    assert len(limits) == 2
    assert all(size(limit) > MAX_BODY_BYTES for limit in limits)


def test_site_no_location_drops_the_headers_of_its_server() -> None:
    """One proxy_set_header in a location would replace all of them."""
    locations = re.findall(r"^    location [^{]*\{[^}]*\}", SITE, re.MULTILINE)
    assert len(locations) == 8
    for location in locations:
        assert "proxy_set_header" not in location
        assert "add_header" not in location


# --- the site at work ---


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that arrived, and how much body."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        text = json.dumps({"headers": [[k.lower(), v] for k, v in self.headers.items()], "body": len(body)}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@dataclass
class Proxy:
    folder: Path
    tls_port: int
    plain_port: int

    def request(
        self, method: str, host: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[HTTPResponse, bytes]:
        connection = Visit(host, self.tls_port)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def arrived(self, *arguments: object, **named: object) -> dict[str, str]:
        response, body = self.request(*arguments, **named)  # type: ignore[arg-type]
        assert response.status == 200, body
        return dict(json.loads(body)["headers"])

    def raw(self, sent: bytes, *, tls: bool = False) -> bytes:
        """Send bytes that no client library would; read to the end of the answer's headers or of the connection."""
        port = self.tls_port if tls else self.plain_port
        with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(VISITOR, 0)) as plain:
            link = trusting().wrap_socket(plain, server_hostname=APP) if tls else plain
            answer = b""
            with suppress(ConnectionResetError), link:
                link.sendall(sent)
                while b"\r\n\r\n" not in answer and (chunk := link.recv(65536)):
                    answer += chunk
            return answer

    def written(self) -> bytes:
        """Everything that nginx has written below its folder, logs and temporary files alike."""
        return b"".join(file.read_bytes() for file in self.folder.rglob("*") if file.is_file())


def trusting() -> ssl.SSLContext:
    """A client that takes the self-signed certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Visit(HTTPSConnection):
    """A connection from the visitor's address to nginx, asking for ``host`` by TLS and by header."""

    def __init__(self, host: str, nginx_port: int) -> None:
        super().__init__(host, timeout=20)
        self._nginx_port = nginx_port

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self._nginx_port), 20, (VISITOR, 0))
        self.sock = trusting().wrap_socket(plain, server_hostname=self.host)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def adapt(site: str, folder: Path, proxy: Proxy, upstream: int) -> str:
    """Move the site to ports and certificates of this test; everything else stays."""
    site = re.sub(r"\n *listen \[::\][^;]*;", "", site)
    site = re.sub(r"listen 443", f"listen 127.0.0.1:{proxy.tls_port}", site)
    site = re.sub(r"listen 80\b", f"listen 127.0.0.1:{proxy.plain_port}", site)
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    site = re.sub(r"/etc/letsencrypt/live/[^/]+/fullchain.pem", str(folder / "cert.pem"), site)
    return re.sub(r"/etc/letsencrypt/live/[^/]+/privkey.pem", str(folder / "key.pem"), site)


def write_main(folder: Path, site: str) -> Path:
    """Write a main configuration that logs all it can, addresses included."""
    (folder / "temp").mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temp = "\n".join(f"    {kind}_temp_path {folder}/temp/{kind};" for kind in kinds)
    user = "user root;" if Path("/").stat().st_uid == Path(folder).stat().st_uid else ""
    file = folder / "main.conf"
    (folder / "site.conf").write_text(site)
    file.write_text(f"""
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/main-error.log info;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access.log;
    error_log {folder}/http-error.log info;
{temp}
    include {folder}/site.conf;
}}
""")
    return file


def make_certificate(folder: Path) -> None:
    arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=firmly.test"
    files = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
    result = run(tool("openssl"), *arguments.split(), *files)
    assert result.returncode == 0, result.stderr


@contextmanager
def upstream() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def nginx(folder: Path, change: Callable[[str], str] = lambda site: site, port: int | None = None) -> Iterator[Proxy]:
    make_certificate(folder)
    proxy = Proxy(folder, free_port(), free_port())
    with upstream() as echo, (folder / "stderr.log").open("wb") as errors:
        main = write_main(folder, change(adapt(SITE, folder, proxy, port or echo)))
        process = subprocess.Popen(
            [tool("nginx"), "-p", str(folder), "-e", str(folder / "main-error.log"), "-c", str(main)],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            wait_for(proxy, process)
            yield proxy
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(20)


def wait_for(proxy: Proxy, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail("nginx ended: " + (proxy.folder / "stderr.log").read_text())
        with suppress(OSError), socket.create_connection(("127.0.0.1", proxy.tls_port), 1):
            return
        time.sleep(0.05)
    pytest.fail("nginx does not listen")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with nginx(tmp_path) as proxy:
        yield proxy


def test_site_is_valid_as_it_stands(tmp_path: Path) -> None:
    """Ports and names untouched, only the certificates are replaced by one that exists."""
    make_certificate(tmp_path)
    site = re.sub(r"/etc/letsencrypt/live/[^/]+/fullchain.pem", str(tmp_path / "cert.pem"), SITE)
    site = re.sub(r"/etc/letsencrypt/live/[^/]+/privkey.pem", str(tmp_path / "key.pem"), site)
    main = write_main(tmp_path, site)
    result = run(tool("nginx"), "-t", "-p", str(tmp_path), "-e", str(tmp_path / "main-error.log"), "-c", str(main))
    assert result.returncode == 0, result.stderr
    assert "[emerg]" not in result.stderr


@pytest.mark.parametrize(
    ("host", "path"), [(APP, "/f/e"), (APP, "/app/"), (CUSTOMER, "/f/c"), (CUSTOMER, "/privacy/x")]
)
def test_proxy_upstream_gets_the_peer_and_nothing_forged(proxy: Proxy, host: str, path: str) -> None:
    headers = proxy.arrived("GET", host, path, FORGED_HEADERS)
    wanted = ("host", "x-forwarded-for", "x-forwarded-proto", "forwarded", "x-real-ip", "x-forwarded-host")
    assert [headers.get(name) for name in wanted] == [host, VISITOR, "https", None, None, None]
    assert FORGED not in json.dumps(headers)


def test_proxy_takes_cookies_off_the_measuring_path_only(proxy: Proxy) -> None:
    cookie = {"Cookie": "receipt=secret"}
    assert "cookie" not in proxy.arrived("POST", CUSTOMER, "/f/e", cookie, b"{}")
    assert "cookie" not in proxy.arrived("POST", CUSTOMER, "/f/e?x=1", cookie, b"{}")
    assert proxy.arrived("POST", CUSTOMER, "/f/c", cookie, b"{}")["cookie"] == "receipt=secret"
    assert proxy.arrived("GET", APP, "/app/", cookie)["cookie"] == "receipt=secret"


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_proxy_keeps_the_operators_pages_inside(proxy: Proxy, path: str) -> None:
    assert proxy.request("GET", APP, path)[0].status == 404


def test_proxy_speaks_modern_tls_and_says_so(proxy: Proxy) -> None:
    response, _ = proxy.request("GET", APP, "/")
    old = trusting()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", proxy.tls_port), 20) as plain,
        pytest.raises((ssl.SSLError, ConnectionResetError)),
    ):
        old.wrap_socket(plain, server_hostname=APP)
    assert response.getheader("strict-transport-security") == "max-age=31536000"


def test_proxy_plain_http_leads_to_https_for_known_names_only(proxy: Proxy) -> None:
    connection = HTTPConnection("127.0.0.1", proxy.plain_port, timeout=20)
    connection.request("GET", "/a?b=1", headers={"Host": CUSTOMER})
    response = connection.getresponse()
    connection.close()
    assert (response.status, response.getheader("location")) == (301, f"https://{CUSTOMER}/a?b=1")
    assert proxy.raw(b"GET / HTTP/1.1\r\nHost: unknown.example\r\n\r\n") == b""


def test_proxy_largest_body_passes_and_a_larger_one_is_refused(proxy: Proxy) -> None:
    response, body = proxy.request("POST", APP, "/f/e", body=b"x" * 128 * 1024)
    assert (response.status, json.loads(body)["body"]) == (200, 128 * 1024)
    assert proxy.raw(b"POST /f/e HTTP/1.1\r\nHost: firmly.example.com\r\nContent-Length: 131073\r\n\r\n", tls=True)[
        9:12
    ] == (b"413")


def wrote_bodies(proxy: Proxy) -> bool:
    """Send the largest body in both framings and say whether nginx made a temporary file meanwhile."""
    folder = proxy.folder / "temp" / "client_body"
    before = folder.stat().st_mtime_ns
    proxy.request("POST", APP, "/f/e", body=b"x" * 128 * 1024)
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    head = b"POST /f/e HTTP/1.1\r\nHost: firmly.example.com\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    proxy.raw(head + chunk * 4 + b"0\r\n\r\n", tls=True)
    return folder.stat().st_mtime_ns != before


def test_proxy_writes_no_body_to_a_file(proxy: Proxy) -> None:
    assert not wrote_bodies(proxy)


def test_proxy_body_written_to_a_file_would_be_noticed(tmp_path: Path) -> None:
    with nginx(tmp_path, lambda site: site.replace("buffer_size 128k", "buffer_size 8k")) as proxy:
        assert wrote_bodies(proxy)


def misbehave(proxy: Proxy) -> None:
    """Do what nginx likes to log: good requests, bad ones, broken handshakes, unknown names, nobody behind it."""
    for host in (APP, CUSTOMER):
        proxy.request("GET", host, "/f/abc.js", FORGED_HEADERS)
        proxy.request("GET", host, "/missing", FORGED_HEADERS)
        proxy.request("POST", host, "/f/e", FORGED_HEADERS, b"x" * 100)
    for tls in (False, True):
        proxy.raw(b"\x00\x01 garbage \xff\r\n\r\n", tls=tls)
        proxy.raw(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", tls=tls)
        proxy.raw(b"GET /../../etc HTTP/1.1\r\nHost: firmly.example.com\r\nConnection: close\r\n\r\n", tls=tls)
        proxy.raw(b"PROXY TCP4 203.0.113.99 10.0.0.1 1 443\r\n\r\n", tls=tls)
        proxy.raw(b"GET / HTTP/1.1\r\nHost: firmly.example.com\r\nX: " + b"y" * 65536 + b"\r\n\r\n", tls=tls)
    proxy.raw(b"POST /f/e HTTP/1.1\r\nHost: firmly.example.com\r\nContent-Length: 999999\r\n\r\n", tls=True)
    with socket.create_connection(("127.0.0.1", proxy.tls_port), 20, (VISITOR, 0)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        plain.recv(1000)
    with (
        socket.create_connection(("127.0.0.1", proxy.tls_port), 20, (VISITOR, 0)) as plain,
        suppress(ssl.SSLError, ConnectionResetError),
    ):
        trusting().wrap_socket(plain, server_hostname="unknown.example")


def traces(written: bytes) -> set[str]:
    return {address for address in (VISITOR, FORGED) if address.encode() in written}


@pytest.mark.parametrize("behind", ["echo", "nobody"])
def test_proxy_writes_no_address_anywhere(tmp_path: Path, behind: str) -> None:
    with nginx(tmp_path, port=free_port() if behind == "nobody" else None) as proxy:
        misbehave(proxy)
    assert (tmp_path / "main-error.log").stat().st_size > 0, "the surroundings log, so silence means something"
    assert traces(proxy.written()) == set()


@pytest.mark.parametrize("log", ["access_log off;", "error_log /dev/null emerg;"])
def test_proxy_address_in_a_log_would_be_noticed(tmp_path: Path, log: str) -> None:
    """Each of the two directives holds back something that the surroundings would have logged."""
    with nginx(tmp_path, lambda site: site.replace(log, ""), port=free_port()) as proxy:
        misbehave(proxy)
    assert VISITOR in traces(proxy.written())


def test_proxy_error_log_of_the_default_servers_would_be_noticed(tmp_path: Path) -> None:
    """What goes wrong before a name is known is theirs to keep silent about."""

    def loud_defaults(site: str) -> str:
        defaults = site.index("# Plain HTTP only proves")
        return site[:defaults].replace("error_log /dev/null emerg;", "") + site[defaults:]

    with nginx(tmp_path, loud_defaults) as proxy:
        misbehave(proxy)
    assert VISITOR in traces(proxy.written())


def test_proxy_slow_headers_are_let_go(proxy: Proxy) -> None:
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", proxy.plain_port), 20, (VISITOR, 0)) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: ")
        answer = link.recv(1000)
    assert time.monotonic() - started < 10
    assert b"200" not in answer
