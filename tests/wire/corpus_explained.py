"""Where this project and a public suite differ, case by case and with the reason. ``docs/http.md`` tells the same."""

from __future__ import annotations


def _each(reason: str, *ids: str) -> dict[str, str]:
    return dict.fromkeys(ids, reason)


ONLY_THE_FIRST = {
    **_each("an HTTP/1.0 client closes after its request (RFC 9112 9.3)", "llhttp-request-connection-3"),
    **_each("Connection: close (RFC 9112 9.6)", "llhttp-request-connection-9", "llhttp-request-connection-10"),
    **_each("the upstream did not agree to switch (RFC 9110 7.8)", "llhttp-request-connection-20"),
    **_each("Connection: close from an upstream", "llhttp-response-connection-6", "llhttp-response-connection-8"),
}
"""Wanted refused for what comes after a good message. That is never read: the good one ends its connection."""

HARMLESS = {
    **_each(
        "the suite sets lower limits than RFC 9112 3 recommends",
        "gunicorn-invalid-006",
        "gunicorn-invalid-007",
        "gunicorn-invalid-008",
        "gunicorn-invalid-limit_header_default_01",
    ),
    **_each("good; the suite sets a limit of one or two fields", "gunicorn-invalid-011", "gunicorn-invalid-012"),
    **_each("good; the suite wants anything but 414 (RFC 9112 3)", "COMP-LONG-URL-OK"),
    **_each("good; which methods a path has is up to the upstream (RFC 9110 15.5.6)", "COMP-405-ALLOW"),
    **_each(
        "good by the suite's own rule, too, as long as the body is not taken for a request (RFC 9112 6.3)",
        "SMUG-GET-CL-PREFIX-DESYNC",
        "SMUG-GET-CL-BODY-DESYNC",
        "SMUG-OPTIONS-CL-BODY-DESYNC",
        "SMUG-EXPECT-100-CL-DESYNC",
    ),
}
"""Marked as to be refused, and rightly accepted."""

NO_HOST = "HTTP/1.1 without Host (RFC 9112 3.2)"

REFUSED = {
    **_each("a fragment is never sent (RFC 9112 3.2)", "gunicorn-valid-005", "gunicorn-valid-009"),
    **_each("the same", "llhttp-request-uri-8"),
    **_each("the same", "llhttp-request-transfer-encoding-20", "llhttp-request-transfer-encoding-21"),
    **_each("a target is ASCII (RFC 3986 2)", "gunicorn-valid-027"),
    **_each("a target is a path, except for OPTIONS (RFC 9112 3.2)", "llhttp-request-method-5"),
    **_each("no blank before the colon (RFC 9112 5.1)", "gunicorn-valid-028"),
    **_each("no folded lines (RFC 9112 5.2)", "gunicorn-valid-compat_obs_fold", "gunicorn-valid-compat_obs_fold_huge"),
    **_each("an unknown method (RFC 9110 9.1)", "gunicorn-valid-031", "gunicorn-valid-031compat"),
    **_each("the same", "gunicorn-valid-031compat2"),
    **_each("framing disguised by an underscore (RFC 3875 4.1.18)", "gunicorn-valid-040", "gunicorn-valid-040_compat"),
    **_each(
        "the PROXY protocol, which a listener has to be set to",
        *(f"gunicorn-valid-pp_0{number}" for number in (1, 2, 4, 5)),
    ),
    **_each("not HTTP: ICE, RTSP", *(f"llhttp-request-method-{number}" for number in (12, 13, 14))),
    **_each("HTTP/0.9 (RFC 9112 2.3)", "llhttp-request-sample-10"),
    **_each("another version than 1.0 and 1.1 (RFC 9112 2.3)", "COMP-HTTP12-VERSION"),
    **_each("a coding that is not known here (RFC 9112 6.1)", "gunicorn-valid-rfc9112_smuggle_gzip_chunked_01"),
    **_each("the same", "gunicorn-valid-rfc9112_smuggle_te_identity_chunked_01"),
    **_each("a user's name in an authority (RFC 9110 4.2.4)", "gunicorn-valid-rfc9112_target_absolute_userinfo_01"),
    **_each("no tunnels (RFC 9110 9.3.6)", "gunicorn-valid-rfc9112_target_authority_connect_01"),
    **_each("the same", "gunicorn-valid-rfc9112_target_authority_ipv6_01"),
    **_each("no echo (RFC 9110 9.3.8)", "COMP-METHOD-TRACE", "COMP-TRACE-SENSITIVE"),
    **_each("417, which the suite allows (RFC 9110 10.1.1)", "COMP-EXPECT-UNKNOWN"),
}
"""What a suite wants accepted and is refused here; besides these, whatever is :data:`NO_HOST`."""

REFUSED_ANSWERS = {
    **_each("no empty lines between answers (RFC 9112 2.2: before requests alone)", "llhttp-response-connection-17"),
    **_each("the same", "llhttp-response-sample-20"),
    **_each(
        "not HTTP/1: RTSP, ICE, HTTP/0.9 (RFC 9112 2.3)", *(f"llhttp-response-sample-{number}" for number in (2, 3, 18))
    ),
    **_each(
        "a coding that is not exactly chunked (RFC 9112 6.1)",
        *(f"llhttp-response-transfer-encoding-{number}" for number in (2, 3, 4)),
    ),
}
"""What a suite wants accepted of an upstream and is answered by 502 here."""
