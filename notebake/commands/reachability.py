"""Checks that a machine can reach the URLs from which it is about to download, or says why not.

Where a network drops packets, download programs wait for minutes and then say little. So a step
first connects as its program will: to the same addresses, through the machine's own proxies.
"""

from shlex import quote

# Any HTTP answer proves a connection; what it means is up to the program that comes next. Of the
# certificate errors only a wrong clock counts, as each program has its own certificate authorities.
CONNECT_TO_URLS = """\
import base64, datetime, os, socket, ssl, sys, threading, time, urllib.parse, urllib.request

PORTS = {"https": 443, "http": 80, "git": 9418, "ssh": 22, "ftp": 21}
CLOCK_ERRORS = {9: "not valid yet", 10: "not valid any more"}
TRY_SECONDS, ALL_SECONDS = 10, float(os.environ.get("reach_seconds", "15"))
target, required, *urls = sys.argv[1:]


def proxy_of(scheme, host):
    proxies = urllib.request.getproxies()
    if scheme not in ("http", "https", "ftp") or urllib.request.proxy_bypass(host):
        return None
    found = proxies.get(scheme) or proxies.get("all")
    return urllib.parse.urlsplit(found if "://" in found else "http://" + found) if found else None


def connect(host, port, stage):
    stage.append(f"the name {host} was not resolved")
    try:
        found = [info[4][0] for info in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)]
    except OSError as error:
        raise ConnectionError(f"no address for {host}: {error.strerror or error}") from None
    stage.append(f"no connection to {host}:{port} ({', '.join(found[:3])})")
    # An unreachable address, such as any of IPv6, must leave time to try the others.
    seconds, last = max(2, (TRY_SECONDS - 2) / len(found)), None
    for address in found:
        try:
            return socket.create_connection((address, port), seconds)
        except OSError as error:
            last = error.strerror or error
    raise ConnectionError(f"{stage[-1]}: {last}")


def status_line(connection, request, server, stage):
    stage.append(f"{server} does not answer")
    try:
        connection.sendall(request.encode())
        line = connection.recv(4096).split(b"\\r\\n")[0].decode(errors="replace")
    except OSError as error:
        raise ConnectionError(f"{stage[-1]}: {error.strerror or error}") from None
    if not line:
        raise ConnectionError(f"{server} closes the connection")
    return line


def begin_tls(connection, host, stage):
    stage.append(f"{host} does not answer over TLS")
    try:
        ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in CLOCK_ERRORS:
            now = datetime.datetime.now(datetime.timezone.utc)
            raise ConnectionError(
                f"the certificate of {host} is {CLOCK_ERRORS[error.verify_code]} by this machine's"
                f" clock, which says {now:%Y-%m-%d %H:%M} UTC"
            ) from None
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or error
        raise ConnectionError(f"{stage[-1]}: {reason}") from None


def check_url(url, stage):
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname, parts.port or PORTS[parts.scheme]
    proxy = proxy_of(parts.scheme, host)
    if proxy is None:
        with connect(host, port, stage) as connection:
            if parts.scheme == "https":
                begin_tls(connection, host, stage)
        return
    stage.append("the proxy")
    with connect(proxy.hostname, proxy.port or PORTS.get(proxy.scheme, 1080), stage) as connection:
        if proxy.scheme != "http":
            return
        login = f"{proxy.username}:{proxy.password or ''}" if proxy.username else ""
        login = base64.b64encode(urllib.parse.unquote(login).encode()).decode()
        header = f"\\r\\nProxy-Authorization: Basic {login}" if login else ""
        method = f"CONNECT {host}:{port}" if parts.scheme == "https" else f"HEAD {url}"
        request = f"{method} HTTP/1.1\\r\\nHost: {parts.netloc}{header}"
        name = f"the proxy {proxy.hostname}:{proxy.port}"
        request += "\\r\\nConnection: close\\r\\n\\r\\n"
        line = status_line(connection, request, name, stage)
        code = (line.split() + ["", ""])[1]
        if code[:1] == "5" or code == "407" or (parts.scheme == "https" and code[:1] != "2"):
            raise ConnectionError(f"{name} answers: {line}")


def record_error(url, stage, errors):
    try:
        check_url(url, stage)
        errors[url] = ""
    except ConnectionError as error:
        errors[url] = str(error)
    except (KeyError, TypeError, ValueError):
        # An address or proxy of a kind unknown here: leave it to the program that needs it.
        errors[url] = ""


def check_all():
    errors, stages, threads = {}, {url: [""] for url in urls}, []
    for url in urls:
        arguments = (url, stages[url], errors)
        threads.append(threading.Thread(target=record_error, args=arguments, daemon=True))
        threads[-1].start()
    ends = time.monotonic() + TRY_SECONDS
    for thread in threads:
        thread.join(max(0, ends - time.monotonic()))
    return {url: errors.get(url, f"{stages[url][-1]} within {TRY_SECONDS} s") for url in urls}


ends = time.monotonic() + ALL_SECONDS
while True:
    errors = check_all()
    failed = [url for url in urls if errors[url]]
    if not failed or (required == "any" and len(failed) < len(urls)):
        os._exit(0)
    if time.monotonic() > ends:
        break
    time.sleep(2)
for url in failed:
    parts = urllib.parse.urlsplit(url)
    proxy = proxy_of(parts.scheme, parts.hostname)
    by = f" by the proxy {proxy.hostname}:{proxy.port}" if proxy else ""
    print(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{by}: {errors[url]}", file=sys.stderr)
print(
    f"This machine cannot reach {target}. Check that it has a public address or a NAT gateway, that"
    " its security group, network ACL and firewall allow outgoing traffic, and that a proxy, if"
    " there is one, is set in the base image's /etc/environment.",
    file=sys.stderr,
    flush=True,
)
os._exit(1)
"""

CHECK_REACHABLE = f"""
check_reachable() {{
    [ "$#" -gt 2 ] || return 0
    python3 -I -c {quote(CONNECT_TO_URLS)} "$@"
}}
"""
"""Defines `check_reachable TARGET any|all URL…`. It retries for half a minute; if then not any, or
not all, of the URLs can be reached, it fails and prints each error."""
