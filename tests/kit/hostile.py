"""Journals with text in every field that would break out of a report if it were let."""

from __future__ import annotations

from dataclasses import replace

from kit.values import REGISTRY, exchange, finding, journal
from regauth_core.model import (
    Challenge,
    Change,
    ChangeKind,
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
    Response,
    Safe,
    Target,
    TokenAnswer,
    TokenRequest,
)
from regauth_core.model.finding import Advice, Client, Finding, ProofResult, Reason, Reference, Undecided, Verification
from regauth_core.model.journal import Environment, Journal

CANARY = "canary-4f1c"
"""What a page's title would become if a script of the hostile journal ran."""

HOSTILE = (
    f"</title></script></style><script>document.title='{CANARY}'</script>",
    f"<img src=https://attacker.test/{CANARY} onerror=\"document.title='{CANARY}'\">",
    f"\"' onload=document.title='{CANARY}' x='",
    f"--> <!-- ]]> <![CDATA[ &lt;b&gt; javascript:document.title='{CANARY}'",
    "\x1b]0;title\x07\x1b[31mred\x1b[2J\x9b1A\r\n\tback\x08space\x00nul\x7f",
    "[bold red]markup[/] [link=https://attacker.test]x[/link] :smile:",
    "| a | b |\n|---|---|\n# heading\n\n---\n- [ ] item",
    "``` ```` ` `` ~~~ ````````\n```\n</details></summary><h1>out</h1>",
    "@torvalds #1 GH-1 torvalds/linux#1 ![x](https://attacker.test/x.png) [x](https://attacker.test) <https://a.test>",
    "www.attacker.test https://attacker.test mail@attacker.test \\| \\\\| \\` $x$ $$y$$ :tada:",
    "\u202eesrever\u2066 \u200bzero\u2028line\ufeffbom\ufffe\U000e0041tag \ud800lone",
    "end ; participant X\n  loop forever\n%%{init: {'securityLevel':'loose'}}%% #quot; call<br/>",
    "'; rm -rf / #$(touch x)`touch y`",
    "${jndi:x} $name ${name} $$ %s %(x)s {0} {{x}}",
    "a" * 5000 + " " + "`" * 300 + "|" * 300,
)
"""Text that would break out of a terminal, a table, a fence, a page or a diagram if it were let."""


def hostile() -> Journal:
    """Hostile text in every field that holds text."""
    return journal(
        [_hostile_exchange(number, text) for number, text in enumerate(HOSTILE, 1)],
        *(_hostile_finding(number, text) for number, text in enumerate(HOSTILE, 1)),
        clients=tuple(
            Client(id=f"c{n}{text}", user_agent=text, engine=text, process=text) for n, text in enumerate(HOSTILE, 1)
        ),
        owner={n: f"c{n}{text}" for n, text in enumerate(HOSTILE, 1)},
        undecided=tuple(
            Undecided(
                rule=text,
                reason=Reason.ABORTED,
                client=f"c{n}{text}",
                registry=text,
                repository=text,
                exchanges=(n,),
                explanation=text,
            )
            for n, text in enumerate(HOSTILE, 1)
        ),
        notes=HOSTILE,
        environment=Environment(
            regauth="0.1.0",
            mitmproxy=HOSTILE[0],
            platform=HOSTILE[6],
            command=Safe(HOSTILE[7]),
            client_version=Safe(HOSTILE[1]),
            scenario=Safe(HOSTILE[8]),
        ),
    )


def _hostile_finding(number: int, text: str) -> Finding:
    return finding(
        number,
        rule=text,
        confidence_reason=text,
        cause=text,
        client=f"c{number}{text}",
        registry=text,
        repository=text,
        title=text,
        explanation=text,
        advice=Advice(client_author=text, user=text),
        references=(Reference(text, text, f"javascript:document.title='{CANARY}'"), Reference(text, text, text)),
        verification=Verification(outcome=ProofResult.UNDECIDED, status=200, note=text),
    )


def _hostile_exchange(number: int, text: str) -> Exchange:
    safe = Safe(text)
    origin = (REGISTRY, Origin("https", text, 443), Origin(text, text, 80))[number % 3]
    link = Link(text=safe, origin=origin, path=safe)
    offered = Challenge(scheme=safe, parameters=((safe, safe), (Safe("realm"), safe)), realm_link=link)
    claimed = Challenge(scheme=Safe("Bearer"), parameters=((Safe("realm"), safe),), realm_link=link)
    secret = Credential(scheme=safe, fingerprint=Fingerprint(text), size=1)
    told = exchange(
        number,
        text,
        "",
        401,
        target=Target(
            endpoint=list(Endpoint)[number % len(Endpoint)], repository=safe, reference=safe, mount_from=safe
        ),
        origin=origin,
        credential=secret,
        agent=text,
        token=TokenRequest(service=safe, scopes=(safe,), client_id=safe),
        response=Response(
            status=401,
            headers=((safe, safe), (Safe("Location"), safe)),
            challenges=(offered, claimed),
            errors=(RegistryError(code=safe, message=safe),),
            text=safe,
            location=link,
            next_page=link,
            token=TokenAnswer(token=Fingerprint(text), scope=safe),
        ),
    )
    return replace(
        told,
        request=replace(told.request, url=safe if number % 2 else Safe(f"{REGISTRY}/v2/{text}")),
        connection=Connection(id=safe, http_version=safe, tls_version=safe, alpn=safe),
        changes=(Change(ChangeKind.OTHER, safe),),
        failure=Failure(FailureKind.SERVER_ABORTED, safe),
        started=float("nan") if number == 3 else 1e300 if number == 5 else told.started,
    )


def overflowing(findings: int = 500) -> Journal:
    """Hundreds of findings of as many rules, with four-byte characters, back-ticks and pipes in every field."""
    text = "😀`|" * 2000
    told = hostile()
    exchanges = [replace(_hostile_exchange(n, f"{text}{n}"), number=n) for n in range(1, findings + 1)]
    longest = Safe(f"{REGISTRY}/v2/" + "😀" * 900)
    exchanges = [replace(one, request=replace(one.request, url=longest)) for one in exchanges]
    return replace(
        told,
        exchanges=tuple(exchanges),
        clients_of={one.number: f"c{one.number}{text}" for one in exchanges},
        diagnosis=replace(
            told.diagnosis,
            exchanges=findings,
            findings=tuple(_hostile_finding(n, f"{n}{text}") for n in range(1, findings + 1)),
            undecided=tuple(
                replace(told.diagnosis.undecided[0], rule=f"{n}{text}", explanation=text, repository=text)
                for n in range(findings)
            ),
            notes=(text,) * findings,
        ),
        environment=replace(
            told.environment, command=Safe(text), client_version=Safe(f"{text}\n" * 100), scenario=Safe(text)
        ),
    )
