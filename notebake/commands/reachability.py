"""Whether a machine gets out to where it is about to fetch something, and if not, what bars it.

Programs that fetch wait for minutes on a network that drops what they send, and say little then.
So whoever needs the outside asks first, as that program will: by the addresses and proxies that
the machine itself is configured with.
"""

from shlex import quote

# An answer of any kind is a way out: what it says is the business of the program that comes next.
# A certificate counts only where the machine's clock is what is wrong with it, as each program has
# authorities of its own.
CONNECT_TO_URLS = """\
import base64, datetime, os, socket, ssl, sys, threading, time, urllib.parse, urllib.request

PORTS = {"https": 443, "http": 80, "git": 9418, "ssh": 22, "ftp": 21}
TIMES = {9: "not valid yet", 10: "not valid any more"}
TRY_SECONDS, ALL_SECONDS = 10, float(os.environ.get("reach_seconds", "15"))
what, enough, *urls = sys.argv[1:]


def proxy_of(scheme, host):
    proxies = urllib.request.getproxies()
    if scheme not in ("http", "https", "ftp") or urllib.request.proxy_bypass(host):
        return None
    found = proxies.get(scheme) or proxies.get("all")
    return urllib.parse.urlsplit(found if "://" in found else "http://" + found) if found else None


def connect(host, port, stage):
    stage.append("its name was looked up in vain")
    try:
        found = [one[4][0] for one in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)]
    except OSError as error:
        raise ConnectionError(f"no address for {host}: {error.strerror or error}") from None
    stage.append(f"no connection to {host}:{port} ({', '.join(found[:3])})")
    # One of a family that leads nowhere must not use up the time of the others.
    seconds, last = max(2, (TRY_SECONDS - 2) / len(found)), None
    for address in found:
        try:
            return socket.create_connection((address, port), seconds)
        except OSError as error:
            last = error.strerror or error
    raise ConnectionError(f"{stage[-1]}: {last}")


def answer_of(connection, text, who, stage):
    stage.append(f"{who} does not answer")
    try:
        connection.sendall(text.encode())
        line = connection.recv(4096).split(b"\\r\\n")[0].decode(errors="replace")
    except OSError as error:
        raise ConnectionError(f"{stage[-1]}: {error.strerror or error}") from None
    if not line:
        raise ConnectionError(f"{who} closes the connection")
    return line


def begin_tls(connection, host, stage):
    stage.append(f"{host} does not answer over TLS")
    try:
        ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in TIMES:
            now = datetime.datetime.now(datetime.timezone.utc)
            raise ConnectionError(
                f"the certificate of {host} is {TIMES[error.verify_code]} by this machine's clock,"
                f" which says {now:%Y-%m-%d %H:%M} UTC"
            ) from None
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or error
        raise ConnectionError(f"{stage[-1]}: {reason}") from None


def look(url, stage):
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
        by = f"\\r\\nProxy-Authorization: Basic {login}" if login else ""
        asked = f"CONNECT {host}:{port}" if parts.scheme == "https" else f"HEAD {url}"
        text = f"{asked} HTTP/1.1\\r\\nHost: {parts.netloc}{by}\\r\\nConnection: close\\r\\n\\r\\n"
        name = f"the proxy {proxy.hostname}:{proxy.port}"
        line = answer_of(connection, text, name, stage)
        code = (line.split() + ["", ""])[1]
        if code[:1] == "5" or code == "407" or (parts.scheme == "https" and code[:1] != "2"):
            raise ConnectionError(f"{name} answers: {line}")


def ask(url, stage, found):
    try:
        look(url, stage)
        found[url] = ""
    except ConnectionError as error:
        found[url] = str(error)
    except (KeyError, TypeError, ValueError):
        # An address or a proxy of a kind that is not understood here: whoever needs it may.
        found[url] = ""


def look_at_all():
    found, stages, threads = {}, {url: [""] for url in urls}, []
    for url in urls:
        words = (url, stages[url], found)
        threads.append(threading.Thread(target=ask, args=words, daemon=True))
        threads[-1].start()
    ends = time.monotonic() + TRY_SECONDS
    for thread in threads:
        thread.join(max(0, ends - time.monotonic()))
    return {url: found.get(url, f"{stages[url][-1]} within {TRY_SECONDS} s") for url in urls}


ends = time.monotonic() + ALL_SECONDS
while True:
    found = look_at_all()
    missing = [url for url in urls if found[url]]
    if not missing or (enough == "any" and len(missing) < len(urls)):
        os._exit(0)
    if time.monotonic() > ends:
        break
    time.sleep(2)
for url in missing:
    parts = urllib.parse.urlsplit(url)
    proxy = proxy_of(parts.scheme, parts.hostname)
    by = f" by the proxy {proxy.hostname}:{proxy.port}" if proxy else ""
    print(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{by}: {found[url]}", file=sys.stderr)
print(
    f"This machine cannot reach {what}. It needs a way out: a public address or a NAT gateway,"
    " rules of its security group, network ACL and firewall for what goes out, and"
    " a proxy, where there is one, in the base image's /etc/environment.",
    file=sys.stderr,
    flush=True,
)
os._exit(1)
"""

CHECK_REACHABLE = f"""
reach() {{
    [ "$#" -gt 2 ] || return 0
    python3 -I -c {quote(CONNECT_TO_URLS)} "$@"
}}
"""
"""Defines `reach WHAT any|all URL…`: it fails, and says what bars the way, after half a minute in
which no try got through to any, or to all, of them."""

# Without its Release files, as on a fresh machine, apt shows no target unless it is told to.
# With a proxy that apt finds out by a program of its own, or another kind of source, apt is left to
# find its way alone.
CHECK_APT_REACHABLE = r"""
reach_apt() {
    local proxy sites
    mapfile -t sites < <(
        apt-get indextargets --no-release-info --format '$(SITE)' 2> /dev/null |
            sort --unique |
            { grep --extended-regexp '^https?://' || true; }
    )
    proxy=$(apt-config dump --format '%v%n' Acquire::http::Proxy 2> /dev/null | head --lines=1)
    ! apt-config dump 2> /dev/null | grep --quiet --ignore-case '::Proxy-Auto-\?Detect' || return 0
    (
        case $proxy in DIRECT) unset http_proxy https_proxy ;; ?*)
            export http_proxy=$proxy https_proxy=$proxy ;;
        esac
        reach "the sources of its packages (apt)" any "${sites[@]}"
    )
}
"""
"""Defines `reach_apt`: it fails where no site of apt's sources can be reached."""
