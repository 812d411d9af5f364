"""Sample journals to make reports of."""

from __future__ import annotations

from dataclasses import replace

from kit.hostile import CANARY as CANARY
from kit.hostile import HOSTILE as HOSTILE
from kit.hostile import hostile as hostile
from kit.hostile import overflowing as overflowing
from kit.values import (
    BEGIN,
    DIGEST,
    ELSEWHERE,
    PING,
    REGISTRY,
    SKOPEO,
    STORE,
    TOKENS,
    basic,
    bearer,
    blob,
    challenge,
    exchange,
    finding,
    journal,
    refused,
    tags,
)
from regauth_core.model import (
    Change,
    ChangeKind,
    Endpoint,
    Fingerprint,
    Link,
    Response,
    Safe,
    Signature,
    Target,
    TokenAnswer,
    TokenRequest,
)
from regauth_core.model.finding import Client, Confidence, Fault, ProofResult, Reason, Severity, Undecided, Verification
from regauth_core.model.journal import Journal


def per_repository() -> Journal:
    """Skopeo trusts the ping and ignores the challenge of the repository."""
    return journal(
        [
            exchange(1, "GET", "/v2/", 200, target=PING),
            exchange(
                2,
                "GET",
                "/v2/foo/tags/list",
                401,
                target=tags("foo"),
                response=refused(challenge("Basic", realm="registry.test")),
            ),
        ],
        finding(1, 2),
    )


def correct() -> Journal:
    """A client that answers the challenge: nothing is found."""
    agent = "oras/1.2.0"
    return journal(
        [
            exchange(
                1,
                "GET",
                "/v2/foo/tags/list",
                401,
                target=tags("foo"),
                agent=agent,
                response=refused(challenge("Basic", realm="registry.test")),
            ),
            exchange(2, "GET", "/v2/foo/tags/list", 200, target=tags("foo"), agent=agent, credential=basic()),
        ],
        clients=(Client(id="c1", user_agent=agent, engine="oras-go", process=None),),
    )


def token_exchange() -> Journal:
    """A registry, a token server and a blob store; a second client is refused by the token server; one case is open."""
    wanted = challenge(
        "Bearer", realm=f"{TOKENS}/token", service="registry.test", scope="repository:library/alpine:pull"
    )
    manifest = Target(endpoint=Endpoint.MANIFEST, repository=Safe("library/alpine"), reference=Safe("latest"))
    path = "/v2/library/alpine/manifests/latest"
    query = "/token?service=registry.test&scope=repository%3Alibrary%2Falpine%3Apull"
    asked = TokenRequest(service=Safe("registry.test"), scopes=(Safe("repository:library/alpine:pull"),))
    issued = Response(
        status=200, size=900, token=TokenAnswer(token=Fingerprint("tok:3f2a91c0"), expires_in=300.0, is_json=True)
    )
    signed = f"{STORE}/data/5f?X-Amz-Expires=1200&X-Amz-Signature=<sig:77aa01ff>"
    moved = Response(
        status=307,
        headers=((Safe("Location"), Safe(signed)),),
        location=Link(text=Safe(signed), origin=STORE, path=Safe("/data/5f"), signed=Signature(ends=BEGIN + 1200)),
    )
    layer = blob("library/alpine")
    blobs = f"/v2/library/alpine/blobs/{DIGEST}"
    podman = "containers/5.2 (github.com/containers/image)"
    told = [
        exchange(1, "GET", path, 401, target=manifest, response=refused(wanted)),
        exchange(
            2, "GET", query, 200, target=ELSEWHERE, origin=TOKENS, credential=basic(), response=issued, token=asked
        ),
        exchange(3, "GET", path, 200, target=manifest, credential=bearer()),
        exchange(4, "GET", blobs, 307, target=layer, credential=bearer(), response=moved),
        exchange(5, "GET", signed.removeprefix(str(STORE)), 200, target=ELSEWHERE, origin=STORE, credential=bearer()),
        exchange(6, "GET", path, 401, target=manifest, agent=podman, response=refused(wanted)),
        exchange(7, "GET", query, 401, target=ELSEWHERE, origin=TOKENS, credential=basic("pw:0badcafe"), token=asked),
        exchange(8, "HEAD", path, 0, target=manifest, agent=podman),
    ]
    told[4] = replace(
        told[4], changes=(Change(ChangeKind.EXPECT_ANSWERED, Safe("mitmproxy answered Expect: 100-continue")),)
    )
    leak = finding(
        4,
        5,
        rule="authorization-sent-cross-origin",
        cause=None,
        repository="library/alpine",
        title=f"the registry's token was sent to {STORE}",
        explanation=f"The registry redirected the blob (4) to {STORE}, and the client sent its token along (5).",
    )
    rejected = finding(
        6,
        7,
        rule="credentials-rejected",
        fault=Fault.CREDENTIALS,
        severity=Severity.WARNING,
        confidence=Confidence.MEDIUM,
        client="c2",
        cause=None,
        repository="library/alpine",
        title="the token server refused the credentials",
        explanation="The token server answered 401 (7) to the credentials that were sent in the right form.",
        verification=Verification(
            outcome=ProofResult.CREDENTIALS_REJECTED,
            status=401,
            note="asked once more with the credentials of the file",
        ),
    )
    return journal(
        told,
        leak,
        rejected,
        clients=(
            Client(id="c1", user_agent=SKOPEO, engine="containers/image", process="skopeo (4711)"),
            Client(id="c2", user_agent=podman, engine="containers/image", process=None),
        ),
        owner={6: "c2", 7: "c2", 8: "c2"},
        undecided=(
            Undecided(
                rule="challenge-not-retried",
                reason=Reason.CAPTURE_CUT,
                client="c2",
                registry=str(REGISTRY),
                repository="library/alpine",
                exchanges=(6, 8),
                explanation="The answer to the last request (8) is not in the capture.",
            ),
        ),
        notes=("the last line of the trace is cut off and was left out",),
    )


def thousand(count: int = 1000) -> Journal:
    """The per-repository bug, and then hundreds of blobs, with another finding near the end."""
    told = list(per_repository().exchanges)
    layers = [
        exchange(
            number,
            "GET",
            f"/v2/bar/blobs/{DIGEST[:-4]}{number:04x}",
            401 if number % 97 == 0 else 200,
            target=blob("bar"),
            credential=None if number % 97 == 0 else bearer(),
            response=refused(challenge("Basic", realm="registry.test")) if number % 97 == 0 else None,
        )
        for number in range(3, count + 1)
    ]
    many = tuple(one.number for one in layers if one.status == 401)
    return journal([*told, *layers], finding(1, 2), finding(*many, repository="bar", title="refused in between"))
