"""Planted secrets: requests and answers as they were on the wire, each with what of it must never be seen again.

All secrets are made up from the case's name. `leaks` looks for them the slow and simple way, sharing nothing with the
sweep that it checks.
"""

from __future__ import annotations

import hashlib
import html
import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, replace
from urllib.parse import quote, quote_plus

from kit.messages import (
    BLOB,
    CHALLENGE,
    CLAIMS,
    DIGEST,
    MANIFEST,
    SCOPE,
    UPLOAD,
    asked,
    basic,
    encoded,
    form,
    jwt,
    redirect,
    refused,
    wire,
)
from kit.messages import opaque as opaque
from regauth_core.model import ChangeKind, FailureKind
from regauth_core.recording.observe import Wire


@dataclass(frozen=True)
class Planted:
    """One exchange with its secrets, and words that must still be there to make a diagnosis."""

    id: str
    wire: Wire
    secrets: tuple[str, ...]
    kept: tuple[str, ...] = ()


def password(name: str) -> str:
    """A password that only its position gives away: it reads like words."""
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    digits = dict(zip("0123456789", words, strict=True))
    return "-".join(["canary", *(digits.get(sign, sign) for sign in name.lower()), "swordfish"])


_AMZ = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20240101T000000Z&X-Amz-Expires=1200&X-Amz-SignedHeaders=host"
_STORE = f"https://store.registry.test/docker/registry/v2/blobs/sha256/ab/{DIGEST[7:]}/data"


def _required() -> list[Planted]:
    """The thirty positions in which secrets of registries are known to have leaked."""
    o, p = opaque, password
    s3_query = (
        f"{_AMZ}&X-Amz-Credential={o('R11k', 20)}%2F20240101%2Feu%2Fs3%2Faws4_request&X-Amz-Security-Token={o('R11t')}"
    )
    s3_query += f"&X-Amz-Signature={hashlib.sha256(b'R11').hexdigest()}"
    s3 = (o("R11k", 20), o("R11t"), hashlib.sha256(b"R11").hexdigest())
    awkward = "p%3a&ss=w\u00f6rd <R09>"
    registry_auth = urlsafe_b64encode(json.dumps({"username": "alice", "password": p("R22")}).encode()).decode()
    auth = "Authorization"
    kept_claims = ("auth.registry.test", "registry.test", "1700000300.0", "team/app", "pull", "push")
    return [
        Planted("R01", wire(MANIFEST, (auth, "Bearer " + jwt("R01"))), (jwt("R01"),), kept_claims),
        Planted("R02", wire(MANIFEST, (auth, "Bearer " + p("R02"))), (p("R02"),), ("team/app", "latest")),
        Planted(
            "R03", wire(MANIFEST, (auth, "Basic " + basic("alice", p("R03")))), (p("R03"), basic("alice", p("R03")))
        ),
        Planted("R04", wire(MANIFEST, (auth, "Basic " + basic("AWS", o("R04", 600)))), (o("R04", 600),), ("aws",)),
        Planted(
            "R05", asked(json.dumps({"token": jwt("R05"), "expires_in": 300})), (jwt("R05"),), (*kept_claims, SCOPE)
        ),
        Planted("R06", asked(json.dumps({"access_token": p("R06")})), (p("R06"),), ("registry.test", SCOPE)),
        Planted("R07", asked(json.dumps({"token": "x", "refresh_token": jwt("R07")})), (jwt("R07"),)),
        Planted("R08", asked(json.dumps({"token": "x", "refresh_token": p("R08")})), (p("R08"),)),
        Planted(
            "R09",
            form(f"grant_type=password&username=alice&password={quote_plus(awkward)}&scope={quote_plus(SCOPE)}"),
            (awkward,),
            ("password", SCOPE),
        ),
        Planted("R10", form(f"grant_type=refresh_token&refresh_token={p('R10')}&service=registry.test"), (p("R10"),)),
        Planted("R11", redirect(f"{_STORE}?{s3_query}"), s3, ("20240101T000000Z", "1200", DIGEST[7:])),
        Planted("R12", wire(_STORE.partition(".test")[2] + "?" + s3_query, host="store.registry.test"), s3, ("1200",)),
        Planted(
            "R13",
            redirect(f"{_STORE}?se=2024-01-01T00%3A20%3A00Z&sp=r&sv=2019-12-12&sr=b&sig={quote(o('R13'))}%3D"),
            (o("R13"),),
            ("2024-01-01T00%3A20%3A00Z",),
        ),
        Planted(
            "R14",
            redirect(f"{_STORE}?X-Goog-Algorithm=GOOG4&X-Goog-Date=20240101T000000Z&X-Goog-Signature={o('R14', 256)}"),
            (o("R14", 256),),
            ("X-Goog-Signature", "20240101T000000Z"),
        ),
        Planted(
            "R15",
            redirect(f"{_STORE}?Expires=1700000900&Signature={o('R15')}~_&Key-Pair-Id={o('R15k', 20)}"),
            (o("R15"), o("R15k", 20)),
            ("1700000900",),
        ),
        Planted("R16", redirect(f"{_STORE}?verify=1700000000-{quote(o('R16'))}%3D"), (o("R16"),), ("verify",)),
        Planted(
            "R17",
            wire(
                "/v2/team/app/blobs/uploads/",
                method="POST",
                status=202,
                headers=(("Location", f"/v2/team/app/blobs/uploads/{UPLOAD}?_state={o('R17')}"),),
            ),
            (o("R17"),),
            (UPLOAD, "_state"),
        ),
        Planted(
            "R18", redirect(f"https://alice:{p('R18')}@store.registry.test/v2/"), (p("R18"),), ("store.registry.test",)
        ),
        Planted(
            "R19", wire(headers=(("Set-Cookie", f"sid={p('R19')}; Path=/; HttpOnly"),)), (p("R19"),), ("HttpOnly",)
        ),
        Planted(
            "R20", wire(MANIFEST, ("Cookie", f"sid={p('R20')}; theme={p('R20b')}")), (p("R20"), p("R20b")), ("sid=",)
        ),
        Planted("R21", wire(MANIFEST, ("Proxy-Authorization", "Basic " + basic("bob", p("R21")))), (p("R21"),)),
        Planted("R22", wire(MANIFEST, ("X-Registry-Auth", registry_auth)), (p("R22"), registry_auth)),
        Planted("R23", wire(MANIFEST, (auth, "Basic " + basic("alice", "ghp_" + o("R23")))), ("ghp_" + o("R23"),)),
        Planted("R24", refused(message=f"token {o('R24')} expired"), (o("R24"),), ("UNAUTHORIZED", "expired")),
        Planted(
            "R25",
            wire(
                status=401,
                headers=(
                    ("WWW-Authenticate", f'{CHALLENGE},error="invalid_token",error_description="bad {o("R25")}"'),
                ),
            ),
            (o("R25"),),
            ("invalid_token", SCOPE),
        ),
        Planted("R26", wire(f"{MANIFEST}?access_token={p('R26')}"), (p("R26"),), ("access_token=",)),
        Planted(
            "R27",
            wire(MANIFEST, ("X-JFrog-Art-Api", p("R27")), ("PRIVATE-TOKEN", p("R27b"))),
            (p("R27"), p("R27b")),
            ("X-JFrog-Art-Api", "PRIVATE-TOKEN"),
        ),
        Planted("R28", wire(BLOB, answer=json.dumps({"config": {"Env": [f"KEY={p('R28')}"]}})), (p("R28"),), (DIGEST,)),
        Planted("R29", asked(json.dumps({"data": {"Access_Token": p("R29")}})), (p("R29"),)),
        Planted("R30", asked('{"token":"' + p("R30")), (p("R30"),)),
    ]


def _awkward() -> list[Planted]:
    """Secrets in unusual dress and in unusual places."""
    o, p = opaque, password
    auth = "Authorization"
    escaped = '{"to\\u006ben":"' + p("N03d") + '"}'
    doubled = '{"token":"' + p("N03c") + '","token":"x"}'
    nested = {"errors": [{"code": "DENIED", "message": "no", "detail": {o("N15"): {p("N15"): 1}}}]}
    digest_auth = f'Digest username="alice", realm="r", nonce="{o("N09")}", response="{o("N09b", 32)}", qop=auth'
    aws = f"AWS4-HMAC-SHA256 Credential={o('N09c', 20)}/20240101/eu/s3/aws4_request, Signature={o('N09d', 64)}"
    jwe = ".".join(o(f"N10{part}", 40) for part in range(5))
    unsigned = f"{encoded({'alg': 'none'})}.{encoded(CLAIMS)}."
    markup = '.*"><script>N14</script>(['
    agent = f"docker/24.0.7 go/go1.20 kernel/6.1.0 UpstreamClient(Docker-Client/24.0.7 {o('N21')})"
    return [
        Planted("N01", asked(b"\x1f\x8b\x08\x00" + p("N01").encode()), (p("N01"),)),
        Planted("N02", asked(json.dumps({"token": p("N02")}), kind="text/plain"), (p("N02"),)),
        Planted("N03a", asked(b"\xef\xbb\xbf" + json.dumps({"token": p("N03a")}).encode()), (p("N03a"),)),
        Planted("N03b", asked(json.dumps({"token": p("N03b")}).encode("utf-16")), (p("N03b"),)),
        Planted("N03c", asked(doubled), (p("N03c"),)),
        Planted("N03d", asked(escaped), (p("N03d"),)),
        Planted(
            "N05", wire(MANIFEST, ("cookie", f"a={p('N05')}"), ("cookie", f"b={p('N05b')}")), (p("N05"), p("N05b"))
        ),
        Planted(
            "N06",
            wire(headers=(("Set-Cookie", f"a={p('N06')}"), ("set-cookie", f"b={p('N06b')}; Secure"))),
            (p("N06"), p("N06b")),
        ),
        Planted("N07a", wire(MANIFEST, ("AUTHORIZATION", f"Bearer\t{p('N07a')}")), (p("N07a"),)),
        Planted("N07b", wire(MANIFEST, ("authorization", f"  bEARER \r\n  {p('N07b')}  ")), (p("N07b"),)),
        Planted("N07c", wire(MANIFEST, (auth, p("N07c"))), (p("N07c"),)),
        Planted("N07d", wire(MANIFEST, (auth, f"{p('N07d')} {p('N07e')}")), (p("N07d"), p("N07e"))),
        Planted(
            "N08",
            wire(MANIFEST, (auth, f"Basic {basic('a', p('N08'))}, Bearer {p('N08b')}"), (auth, f"Bearer {p('N08c')}")),
            (p("N08"), p("N08b"), p("N08c")),
        ),
        Planted("N09a", wire(MANIFEST, (auth, digest_auth)), (o("N09"), o("N09b", 32))),
        Planted("N09b", wire(MANIFEST, (auth, f"Negotiate {o('N09n', 200)}==")), (o("N09n", 200),)),
        Planted("N09c", wire(MANIFEST, (auth, aws)), (o("N09c", 20), o("N09d", 64))),
        Planted("N09d", wire(status=401, headers=(("WWW-Authenticate", f"Negotiate {o('N09w')}"),)), (o("N09w"),)),
        Planted("N10a", wire(MANIFEST, (auth, f"Bearer {jwe}")), (jwe,)),
        Planted("N10b", wire(MANIFEST, (auth, f"Bearer {unsigned}")), (unsigned,), ("team/app",)),
        Planted("N10c", asked(json.dumps({"token": f"eyJhbGciOiJub25lIn0.{o('N10c')}.x"})), (o("N10c"),)),
        Planted("N11", wire(f"/token/{o('N11')}/use", host="auth.registry.test"), (o("N11"),), ("/token/", "/use")),
        Planted("N13a", wire(MANIFEST, (auth, "Basic " + basic("alice", ""))), (basic("alice", ""),)),
        Planted("N13b", wire(MANIFEST, (auth, "Basic " + basic("alice", "ab"))), (basic("alice", "ab"), "alice:ab")),
        Planted("N14", wire(MANIFEST, (auth, "Basic " + basic("a", markup))), (markup,)),
        Planted("N15a", wire(status=403, answer=json.dumps(nested)), (o("N15"), p("N15")), ("DENIED",)),
        Planted("N15b", wire(f"{MANIFEST}?{o('N15b')}=1", (o("N15h"), "1")), (o("N15b"), o("N15h"))),
        Planted(
            "N16",
            replace(wire(), changes=((ChangeKind.OTHER, f"sent Bearer {p('N16')} instead"),)),
            (p("N16"),),
            ("instead",),
        ),
        Planted("N18", wire("/x", ("Referer", f"https://a.test/?token={p('N18')}")), (p("N18"),), ("https://a.test/",)),
        Planted(
            "N20",
            wire(status=None, failure=(FailureKind.TLS, f"certificate of CN=alice@corp.test refused, key={p('N20')}")),
            ("alice@corp.test", p("N20")),
            ("certificate",),
        ),
        Planted("N21", wire(MANIFEST, ("user-agent", agent)), (o("N21"),), ("docker/24.0.7", "UpstreamClient")),
        Planted(
            "N26", wire(status=500, answer=f"<html><h1>Oops</h1>\n<p>Bearer {p('N26')}</p>"), (p("N26"),), ("Oops",)
        ),
        Planted("N27", wire(status=403, answer="denied: password=" + p("N27")), (p("N27"),), ("denied",)),
        Planted("N28", wire(headers=(("Link", f"</v2/_catalog?last=a&token={p('N28')}>; rel=next"),)), (p("N28"),)),
        Planted("N29", wire(MANIFEST, ("X-Forwarded-User", p("N29"))), (p("N29"),)),
    ]


def _devious() -> list[Planted]:
    """Secrets where a reviewer who wanted to find some looked for them."""
    o, p = opaque, password
    pair = urlsafe_b64encode(f"alice:{p('D01')}".encode()).decode().rstrip("=")
    twice = quote(quote(p("D02") + "/&%", safe=""), safe="")
    inner = json.dumps({"a": json.dumps({"secret": p("D03")})})
    quoted = json.dumps({"password": f'{p("D04")}"{p("D04b")}'})
    azure = f"skoid=1f6a1e52-6d5c-4cf0-b5c5-e1d7b55f1e32&sig={quote(o('D08'))}%3D&se=2024-01-01T00%3A00%3A00Z"
    google = f"GoogleAccessId=robot%40corp.test&Expires=1700000900&Signature={quote(o('D09', 64))}"
    realm = f'Bearer realm="https://u:{p("D12")}@auth.registry.test/t?client_secret={p("D12b")}",service="s"'
    fields = [(name, p(f"D13{n}")) for n, name in enumerate(("OCI-Token", "OCI-Authorization", "RateLimit-Key"))]
    proxy = f'Basic realm="pw: {p("D15")}", password="{p("D15b")}"'
    return [
        Planted("D01", wire(f"{MANIFEST}?x={pair}"), (p("D01"), pair), ("x=",)),
        Planted("D02", redirect(f"https://alice:{twice}@store.registry.test/x"), (p("D02"),), ("store.registry.test",)),
        Planted("D03", wire(status=403, answer=json.dumps({"message": inner})), (p("D03"),)),
        Planted("D04", wire(status=403, answer=f"sent {quoted}"), (p("D04"), p("D04b")), ("sent",)),
        Planted("D05", wire(f"/token/{jwt('D05')}/x", host="auth.registry.test"), (jwt("D05"),), ("/token/",)),
        Planted("D06", wire(f"{MANIFEST}?a=1;token={p('D06')}&auth[token]={p('D06b')}"), (p("D06"), p("D06b"))),
        Planted("D07", wire(f"/v2/_catalog?last=token={p('D07')}"), (p("D07"),), ("last=",)),
        Planted("D08", redirect(f"https://x.blob.core.windows.net/c/b?sv=2020&{azure}"), (o("D08"),), ("skoid=",)),
        Planted("D09", redirect(f"https://storage.googleapis.com/x?{google}"), (o("D09", 64), "robot@corp.test")),
        Planted("D10", wire(status=500, answer=f"dial alice:{p('D10')}@store.test: eof"), (p("D10"),), ("dial", "eof")),
        Planted("D11", wire(MANIFEST, ("User-Agent", f"ci/1.0 (auth: {p('D11')})")), (p("D11"),), ("ci/1.0",)),
        Planted(
            "D12", wire(status=401, headers=(("WWW-Authenticate", realm),)), (p("D12"), p("D12b")), ("client_secret=",)
        ),
        Planted("D13", wire(headers=tuple(fields)), tuple(value for _, value in fields), ("OCI-Token",)),
        Planted("D14", wire(MANIFEST, ("Cookie", f"a=b; {p('D14')}")), (p("D14"),), ("a=",)),
        Planted("D15", wire(status=407, headers=(("Proxy-Authenticate", proxy),)), (p("D15"), p("D15b")), ("realm",)),
        Planted("D16", wire(headers=(("Server", f"nginx pw={p('D16')}"),)), (p("D16"),), ("nginx",)),
    ]


CORPUS: tuple[Planted, ...] = (*_required(), *_awkward(), *_devious())


def spellings(secret: str) -> dict[str, str]:
    """How `secret` may be written, by the name of the encoding. Pieces of base64 that depend on it alone."""
    raw = secret.encode("utf-8", "surrogatepass")
    found = {
        "raw": secret,
        "percent": quote(raw, safe=""),
        "percent, lower case": _lower(quote(raw, safe="")),
        "percent, path": quote(raw),
        "form": quote_plus(raw),
        "json": json.dumps(secret)[1:-1],
        "json, unicode": json.dumps(secret, ensure_ascii=False)[1:-1],
        "html": html.escape(secret),
        "html, bare": html.escape(secret, quote=False),
    }
    for shift in range(3):
        # A character of base64 holds six bits; those that mix with what stands around the secret are cut off.
        first, last = (shift * 8 + 5) // 6, (shift + len(raw)) * 8 // 6
        found[f"base64 at {shift}"] = b64encode(b"?" * shift + raw).decode()[first:last]
        found[f"base64url at {shift}"] = urlsafe_b64encode(b"?" * shift + raw).decode()[first:last]
    return found


def _lower(text: str) -> str:
    pieces = text.split("%")
    return "%".join([pieces[0], *(piece[:2].lower() + piece[2:] for piece in pieces[1:])])


def leaks(text: str, secrets: tuple[str, ...]) -> list[str]:
    """Which of `secrets` are in `text`, and in what encoding, also broken over lines; empty if none is."""
    joined = "".join(line.strip() for line in text.splitlines())
    found: list[str] = []
    for secret in secrets:
        for encoding, spelling in spellings(secret).items():
            if len(spelling) >= 4 and (spelling in text or spelling in joined):
                found.append(f"{secret!r} as {encoding}")
    return found
