"""Exchanges, findings and journals built by hand from the model: no recording, no redaction, no rule is involved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from regauth_core.model import (
    Challenge,
    Connection,
    Credential,
    Endpoint,
    Exchange,
    Failure,
    FailureKind,
    Fingerprint,
    Link,
    Origin,
    RegistryError,
    Request,
    Response,
    Safe,
    Sender,
    Target,
    TokenRequest,
)
from regauth_core.model.finding import (
    Advice,
    Client,
    Confidence,
    Diagnosis,
    Fault,
    Finding,
    Reference,
    Severity,
    Undecided,
)
from regauth_core.model.journal import Environment, Journal, Redaction

BEGIN = 1_750_000_000.0
REGISTRY = Origin("https", "registry.test", 443)
TOKENS = Origin("https", "auth.test", 443)
STORE = Origin("https", "blobs.test", 8443)
SKOPEO = "skopeo/1.9.3"

DIGEST = "sha256:" + "5f" * 32
_REFERENCES = (
    Reference("RFC 9110", "15.5.2", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2"),
    Reference(
        "distribution API specification",
        "API Version Check",
        "https://distribution.github.io/distribution/spec/api/#api-version-check",
    ),
)


def basic(fingerprint: str = "pw:51b0c7aa") -> Credential:
    """A Basic credential."""
    return Credential(
        scheme=Safe("basic"),
        fingerprint=Fingerprint(fingerprint),
        size=33,
        user=Fingerprint("user:9d21"),
        password=Fingerprint(fingerprint),
    )


def bearer(fingerprint: str = "tok:3f2a91c0") -> Credential:
    """A Bearer credential."""
    return Credential(scheme=Safe("bearer"), fingerprint=Fingerprint(fingerprint), size=1207)


def challenge(scheme: str, **parameters: str) -> Challenge:
    """A challenge; for Bearer, `realm` is resolved to a link of the token server."""
    realm = parameters.get("realm", "")
    link = Link(text=Safe(realm), origin=TOKENS, path=Safe("/token")) if scheme == "Bearer" else None
    return Challenge(
        scheme=Safe(scheme),
        parameters=tuple((Safe(name), Safe(value)) for name, value in parameters.items()),
        realm_link=link,
    )


def exchange(
    number: int,
    method: str,
    path: str,
    status: int,
    *,
    target: Target,
    origin: Origin = REGISTRY,
    credential: Credential | None = None,
    agent: str = SKOPEO,
    response: Response | None = None,
    token: TokenRequest | None = None,
    started: float | None = None,
) -> Exchange:
    """An exchange that took 30 milliseconds; `status` 0 means that nothing was answered."""
    begin = BEGIN + number * 0.05 if started is None else started
    headers = [(Safe("Host"), Safe(origin.host)), (Safe("User-Agent"), Safe(agent))]
    if credential is not None:
        headers.append((Safe("Authorization"), Safe(f"{credential.scheme.title()} <{credential.fingerprint}>")))
    answer = response or Response(status=status, headers=((Safe("Content-Length"), Safe("2")),), size=2)
    lost = Failure(FailureKind.NOT_RECORDED, Safe("the capture ended"))
    return Exchange(
        number=number,
        sender=Sender(address=Safe("127.0.0.1"), user_agent=Safe(agent), process=4711, program=Safe("skopeo")),
        origin=origin,
        target=target,
        request=Request(
            method=Safe(method),
            url=Safe(f"{origin}{path}"),
            headers=tuple(headers),
            credentials=(credential,) if credential else (),
            token=token,
        ),
        response=answer if status else None,
        failure=None if status else lost,
        started=begin,
        first_byte=begin + 0.02 if status else None,
        ended=begin + 0.03 if status else None,
        connection=Connection(id=Safe(f"n{number}"), http_version=Safe("HTTP/1.1"), tls_version=Safe("TLSv1.3")),
    )


PING = Target(endpoint=Endpoint.PING)
ELSEWHERE = Target(endpoint=Endpoint.ELSEWHERE)


def tags(repository: str) -> Target:
    """The list of tags of `repository`."""
    return Target(endpoint=Endpoint.TAGS, repository=Safe(repository))


def blob(repository: str) -> Target:
    """A blob of `repository`."""
    return Target(endpoint=Endpoint.BLOB, repository=Safe(repository), reference=Safe(DIGEST), is_digest=True)


def refused(*challenges: Challenge) -> Response:
    """A 401 with `challenges` and an error body."""
    lines = tuple((Safe("WWW-Authenticate"), Safe(_spelled(c))) for c in challenges)
    return Response(
        status=401,
        headers=(*lines, (Safe("Content-Type"), Safe("application/json"))),
        size=87,
        challenges=challenges,
        errors=(RegistryError(code=Safe("UNAUTHORIZED"), message=Safe("authentication required")),),
    )


def _spelled(one: Challenge) -> str:
    return f"{one.scheme} " + ",".join(f'{name}="{value}"' for name, value in one.parameters)


def finding(*exchanges: int, **changes: object) -> Finding:
    """The finding of the per-repository bug with `changes` of its fields."""
    base = Finding(
        rule="challenge-ignored",
        severity=Severity.ERROR,
        fault=Fault.CLIENT,
        confidence=Confidence.HIGH,
        confidence_reason="the client's process has ended",
        cause="ping-derived-auth",
        client="c1",
        registry=str(REGISTRY),
        repository="foo",
        exchanges=exchanges,
        title=f"the client ignored the Basic challenge of repository foo at {REGISTRY}",
        explanation=(
            "The ping (1) was answered 200 without a challenge, and the client took that to mean that this registry"
            f" wants no authentication at all. GET {REGISTRY}/v2/foo/tags/list (2) was answered 401 with a Basic"
            " challenge. After that the client sent no credential to this registry."
        ),
        advice=Advice(
            client_author="Keep challenges per request: on any 401 with a challenge, authenticate and send it again.",
            user="The password was never sent, so do not change it; use a client that answers such challenges.",
        ),
        references=_REFERENCES,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def journal(
    exchanges: Iterable[Exchange],
    *findings: Finding,
    clients: tuple[Client, ...] = (),
    undecided: tuple[Undecided, ...] = (),
    notes: tuple[str, ...] = (),
    owner: dict[int, str] | None = None,
    environment: Environment | None = None,
) -> Journal:
    """A journal of `exchanges`, all of client c1 unless `owner` says otherwise."""
    told = tuple(exchanges)
    first = Client(id="c1", user_agent=SKOPEO, engine="containers/image", process="skopeo (4711)")
    return Journal(
        exchanges=told,
        clients_of={one.number: (owner or {}).get(one.number, "c1") for one in told},
        diagnosis=Diagnosis(
            clients=clients or (first,),
            exchanges=len(told),
            findings=findings,
            undecided=undecided,
            notes=notes,
        ),
        environment=environment
        or Environment(
            regauth="0.1.0",
            mitmproxy="11.0.2",
            platform="Linux x86_64",
            command=Safe("skopeo list-tags --creds 'alice:<pw:51b0c7aa>' docker://registry.test/foo"),
            client_version=Safe("skopeo version 1.9.3"),
            status=1,
            scenario=Safe("per-repository-basic"),
        ),
        redaction=Redaction(secrets=1, values=3, hosts=1, repositories=1, bodies=1),
    )
