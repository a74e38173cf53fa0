"""Host, target, version, method and size of a request: rows 28 to 36 and 39 of the checklist."""

from __future__ import annotations

from tests.wire.cases import (
    CHUNKED,
    GET,
    HELLO,
    Seen,
    host,
    line,
    normalised,
    passed,
    post,
    refused,
    request,
)

HOSTS = [
    *refused(
        28,
        {
            "none": host(),
            "two": host(b"Host: a", b"Host: b"),
            "two-equal": host(b"Host: a", b"Host: a"),
            "two-apart": request(b"X: y", b"hOST: a"),
            "list": host(b"Host: a, b"),
            "comma": host(b"Host: a,b"),
            "empty": host(b"Host:"),
            "blank": host(b"Host:  "),
            "userinfo": host(b"Host: user@a"),
            "userinfo-with-password": host(b"Host: u:p@a"),
            "path": host(b"Host: a/b"),
            "query": host(b"Host: a?b"),
            "fragment": host(b"Host: a#b"),
            "backslash": host(b"Host: a\\b"),
            "space": host(b"Host: a b"),
            "tab": host(b"Host: a\tb"),
            "scheme": host(b"Host: http://a"),
            "port-letters": host(b"Host: a:b"),
            "port-negative": host(b"Host: a:-80"),
            "port-plus": host(b"Host: a:+80"),
            "port-out-of-range": host(b"Host: a:65536"),
            "port-six-digits": host(b"Host: a:000080"),
            "two-ports": host(b"Host: a:80:80"),
            "port-space": host(b"Host: a: 80"),
            "port-alone": host(b"Host: :80"),
            "ipv6-without-brackets": host(b"Host: ::1"),
            "ipv6-not-closed": host(b"Host: [::1"),
            "ipv6-bad": host(b"Host: [::1::]"),
            "ipv6-zone": host(b"Host: [fe80::1%eth0]"),
            "quoted": host(b'Host: "a"'),
            "less-than": host(b"Host: <a>"),
            "not-ascii": host(b"Host: \xe4.example"),
            "broken-escape": host(b"Host: a%zz"),
            "connection-removes-it": request(b"Connection: host"),
        },
    ),
    *passed(
        28,
        {
            "port": host(b"Host: a:8080"),
            "empty-port": host(b"Host: a:"),
            "ipv4": host(b"Host: 127.0.0.1:80"),
            "ipv6": host(b"Host: [::1]:80"),
            "capitals": host(b"hOST: Example.COM"),
            "final-dot": host(b"Host: example.com."),
            "not-first": host(b"X: y", b"Host: a"),
            "underscore": host(b"Host: a_b"),
        },
    ),
    *refused(
        29,
        {
            "differs": line(b"GET http://b/ HTTP/1.1"),
            "port-differs": line(b"GET http://a:81/ HTTP/1.1"),
            "no-host": host(first=b"GET http://a/ HTTP/1.1"),
            "userinfo": host(b"Host: u@a", first=b"GET http://u@a/ HTTP/1.1"),
            "userinfo-in-target": line(b"GET http://u@a/ HTTP/1.1"),
            "empty-authority": line(b"GET http:/// HTTP/1.1"),
            "no-slashes": line(b"GET http:a HTTP/1.1"),
            "one-slash": line(b"GET http:/a HTTP/1.1"),
            "ftp": line(b"GET ftp://a/ HTTP/1.1"),
            "no-scheme": line(b"GET ://a/ HTTP/1.1"),
            "javascript": line(b"GET javascript:alert(1) HTTP/1.1"),
            "authority-alone": line(b"GET a:80 HTTP/1.1"),
            "name-alone": line(b"GET a HTTP/1.1"),
        },
    ),
    *normalised(
        30,
        {
            "path": (line(b"GET http://a/b?c HTTP/1.1"), Seen(line=b"GET /b?c HTTP/1.1", has=(b"Host: a",))),
            "no-path": (line(b"GET http://a HTTP/1.1"), Seen(line=b"GET / HTTP/1.1")),
            "query-without-path": (line(b"GET http://a?b=c HTTP/1.1"), Seen(line=b"GET /?b=c HTTP/1.1")),
            "https": (line(b"GET https://a/b HTTP/1.1"), Seen(line=b"GET /b HTTP/1.1")),
            "any-case": (line(b"GET HTTP://A/b HTTP/1.1"), Seen(line=b"GET /b HTTP/1.1")),
            "two-slashes": (line(b"GET http://a//b HTTP/1.1"), Seen(line=b"GET //b HTTP/1.1")),
            "options-without-path": (line(b"OPTIONS http://a HTTP/1.1"), Seen(line=b"OPTIONS * HTTP/1.1")),
            "url-in-query": (line(b"GET http://a/?u=http://b/ HTTP/1.1"), Seen(line=b"GET /?u=http://b/ HTTP/1.1")),
        },
    ),
]

TARGETS = [
    *refused(
        31,
        {
            "fragment": line(b"GET /#a HTTP/1.1"),
            "fragment-in-query": line(b"GET /?a#b HTTP/1.1"),
            "fragment-alone": line(b"GET # HTTP/1.1"),
            "not-ascii": line(b"GET /\xe4 HTTP/1.1"),
            "utf-8": line("GET /ä HTTP/1.1".encode()),
            "nbsp": line(b"GET /\xa0 HTTP/1.1"),
            "space": line(b"GET /a b HTTP/1.1"),
            "two-spaces-before": line(b"GET  / HTTP/1.1"),
            "two-spaces-behind": line(b"GET /  HTTP/1.1"),
            "tab-before": line(b"GET\t/ HTTP/1.1"),
            "tab-behind": line(b"GET /\tHTTP/1.1"),
            "backslash": line(b"GET /a\\..\\b HTTP/1.1"),
            "backslash-first": line(b"GET \\ HTTP/1.1"),
            "empty": line(b"GET  HTTP/1.1"),
            "relative": line(b"GET a/b HTTP/1.1"),
            "dot-dot": line(b"GET ../a HTTP/1.1"),
            "query-alone": line(b"GET ?a HTTP/1.1"),
            "percent-alone": line(b"GET %2f HTTP/1.1"),
            "space-behind-version": line(b"GET / HTTP/1.1 "),
            "word-behind-version": line(b"GET / HTTP/1.1 x"),
        },
    ),
    *passed(
        32,
        {
            f"{name}": line(b"GET " + target + b" HTTP/1.1")
            for name, target in (
                ("dot-dot", b"/a/../b"),
                ("dots-escaped", b"/a/%2e%2e/b"),
                ("dots-half-escaped", b"/a/.%2E/b"),
                ("slash-escaped", b"/a%2fb"),
                ("backslash-escaped", b"/a%5cb"),
                ("two-slashes", b"//a//b"),
                ("semicolon", b"/a;b=c/../d"),
                ("escaped-twice", b"/%252e%252e/a"),
                ("nul-escaped", b"/a%00b"),
                ("crlf-escaped", b"/a%0d%0ab"),
                ("broken-escape", b"/a%zz%"),
                ("delimiters", b"/!$&'()*+,;=:@-._~?!$&'()*+,;=:@/?"),
                ("what-browsers-send", b'/a|b^c`d{e}"<f>?[g]|"<h>'),
                ("backslash-in-query", b"/?a\\b"),
                ("query-alone", b"/?"),
                ("query-with-url", b"/?u=http://b/c"),
                ("dot", b"/./a/."),
                ("long", b"/" + b"a" * 4000),
            )
        },
    ),
    *refused(
        33,
        {
            "asterisk-get": line(b"GET * HTTP/1.1"),
            "asterisk-post": line(b"POST * HTTP/1.1"),
            "asterisk-and-path": line(b"OPTIONS */a HTTP/1.1"),
            "options-nothing": line(b"OPTIONS HTTP/1.1"),
        },
    ),
    *refused(
        33,
        {
            "connect": request(line=b"CONNECT a:443 HTTP/1.1", host=b"Host: a:443\r\n"),
            "connect-path": line(b"CONNECT / HTTP/1.1"),
            "trace": line(b"TRACE / HTTP/1.1"),
            "trace-asterisk": line(b"TRACE * HTTP/1.1"),
        },
        status=405,
    ),
    *passed(33, {"asterisk-options": line(b"OPTIONS * HTTP/1.1"), "options-path": line(b"OPTIONS /a HTTP/1.1")}),
]

VERSIONS = [
    *refused(
        34,
        {
            "none": b"GET /\r\n\r\n",
            "none-with-host": b"GET /\r\nHost: a\r\n\r\n",
            "none-with-space": b"GET / \r\nHost: a\r\n\r\n",
            "1.10": line(b"GET / HTTP/1.10"),
            "01.1": line(b"GET / HTTP/01.1"),
            "1.": line(b"GET / HTTP/1."),
            "1": line(b"GET / HTTP/1"),
            "1,1": line(b"GET / HTTP/1,1"),
            "+1.1": line(b"GET / HTTP/+1.1"),
            "lower-case": line(b"GET / http/1.1"),
            "no-slash": line(b"GET / HTTP 1.1"),
            "space": line(b"GET / HTTP/1 .1"),
            "rtsp": line(b"GET / RTSP/1.0"),
            "ice": line(b"GET / ICE/1.0"),
            "https": line(b"GET / HTTPS/1.1"),
            "fullwidth-digit": line(b"GET / HTTP/\xef\xbc\x91.1"),
            "method-alone": b"GET\r\n\r\n",
            "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
            "ssh": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        },
    ),
    *refused(
        34,
        {
            "0.9": line(b"GET / HTTP/0.9"),
            "1.2": line(b"GET / HTTP/1.2"),
            "1.9": line(b"GET / HTTP/1.9"),
            "2.0": line(b"GET / HTTP/2.0"),
            "3.0": line(b"GET / HTTP/3.0"),
            "9.9": line(b"GET / HTTP/9.9"),
        },
        status=505,
    ),
]

METHODS = (
    b"ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS "
    b"PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK "
    b"UNSUBSCRIBE"
).split()

METHOD_CASES = [
    *passed(35, {f"known-{method.decode().lower()}": line(method + b" /m HTTP/1.1") for method in METHODS}),
    *refused(
        35,
        {
            "unknown": line(b"BREW / HTTP/1.1"),
            "lower-case": line(b"get / HTTP/1.1"),
            "mixed-case": line(b"Get / HTTP/1.1"),
            "longer": line(b"GETT / HTTP/1.1"),
            "shorter": line(b"GE / HTTP/1.1"),
            "token-bytes": line(b"!#$%&'*+-.^_`|~ / HTTP/1.1"),
            "describe": line(b"DESCRIBE / HTTP/1.1"),
        },
        status=501,
    ),
    *refused(
        35,
        {
            "not-a-token": line(b"G<T / HTTP/1.1"),
            "empty": line(b" / HTTP/1.1"),
            "comma": line(b"GET, / HTTP/1.1"),
            "not-ascii": line(b"G\xcbT / HTTP/1.1"),
            "33-letters": line(b"A" * 33 + b" / HTTP/1.1"),
        },
    ),
]

SIZES = [
    *passed(
        36,
        {
            "line-at-the-limit": line(b"GET /" + b"a" * (8192 - 14) + b" HTTP/1.1"),
            "fields-at-the-limit": request(*(b"X: y" for _ in range(99))),
            "field-at-the-limit": request(b"X: " + b"y" * (16 * 1024 - 3)),
            "head-at-the-limit": request(*(b"X: " + b"y" * 12995 for _ in range(5)), b"Z: " + b"z" * 474),
        },
    ),
    *refused(
        36,
        {
            "line": line(b"GET /" + b"a" * (8192 - 13) + b" HTTP/1.1"),
            "line-in-query": line(b"GET /?" + b"a" * 9000 + b" HTTP/1.1"),
            "line-without-end": b"GET /" + b"a" * 9000,
        },
        status=414,
    ),
    *refused(
        36,
        {
            "fields": request(*(b"X: y" for _ in range(100))),
            "many-tiny-fields": request(*(b"a:" for _ in range(10_000))),
            "field": request(b"X: " + b"y" * (16 * 1024 - 2)),
            "name": request(b"X" * (17 * 1024) + b": y"),
            "head": request(*(b"X: " + b"y" * 15000 for _ in range(5))),
            "head-without-end": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 11_000,
        },
        status=431,
    ),
]
OLD = b"GET / HTTP/1.0"

OLD_CLIENTS = [
    *normalised(
        39,
        {
            "plain": (line(OLD), Seen(line=GET, has=(b"Host: a",))),
            "no-host": (host(first=OLD), Seen(line=GET, has=(b"Host: localhost",))),
            "connection-close": (request(b"Connection: close", line=OLD), Seen(line=GET, lacks=(b"connection",))),
            "body": (post(b"Content-Length: 5", line=b"POST / HTTP/1.0", body=b"hello"), Seen(body=b"hello")),
            "head": (line(b"HEAD / HTTP/1.0"), Seen(line=b"HEAD / HTTP/1.1")),
            "absolute-form": (host(first=b"GET http://b/c HTTP/1.0"), Seen(line=b"GET /c HTTP/1.1", has=(b"Host: b",))),
        },
        stays=False,
    ),
    *normalised(
        39,
        {
            "keep-alive": (request(b"Connection: keep-alive", line=OLD), Seen(line=GET, lacks=(b"connection",))),
            "keep-alive-any-case": (request(b"Connection: Keep-Alive", line=OLD), Seen(line=GET)),
            "keep-alive-and-field": (
                request(b"Keep-Alive: 300", b"Connection: keep-alive", line=OLD),
                Seen(line=GET, lacks=(b"keep-alive", b"connection")),
            ),
        },
    ),
    *refused(
        39,
        {"two-hosts": host(b"Host: a", b"Host: a", first=OLD), "bad-host": host(b"Host: a b", first=OLD)},
    ),
    *refused(39, {"chunked": request(CHUNKED, line=OLD, body=HELLO)}),
]
CASES = [*HOSTS, *TARGETS, *VERSIONS, *METHOD_CASES, *SIZES, *OLD_CLIENTS]
