"""Whether an answer is, for everything that a finding may rest on, the answer that a capture has."""

from __future__ import annotations

from regauth_core.model import Exchange, Link, Response
from regauth_core.recording.observe import Wire, observe
from regauth_core.redaction.redactor import Redactor
from regauth_core.simulate.message import Answer, Asked
from regauth_core.simulate.reproduction.challenging import lines_of

_COMPARED = ("age", "docker-distribution-api-version", "proxy-authenticate", "retry-after", "server", "via")


def played(exchange: Exchange, asked: Asked, answer: Answer, redactor: Redactor) -> Exchange:
    """What would have been recorded of `answer` to `asked` in the place of `exchange`."""
    return observe(
        Wire(
            number=exchange.number,
            method=asked.method,
            scheme=asked.scheme,
            host=asked.host,
            port=asked.port,
            path=asked.path,
            request_headers=asked.headers,
            request_body=asked.body or None,
            status=answer.status,
            response_headers=answer.headers,
            response_body=answer.body,
            response_size=len(answer.body),
            started=exchange.started,
        ),
        redactor,
    )


def differences(recorded: Exchange, now: Exchange, answer: Answer) -> tuple[str, ...]:
    """In what `now`, which was made of `answer`, differs from what was recorded; names for people."""
    then_response, now_response = recorded.response, now.response
    if then_response is None or now_response is None:
        return ()
    begun = int(recorded.started)
    then = {**_facts(then_response, begun), "challenge": lines_of(then_response)}
    here = {**_facts(now_response, begun), "challenge": _lines(answer.headers)}
    if recorded.request.method == "HEAD":
        # Web servers send bodies where there is none, and some tools record them.
        then, here = ({k: v for k, v in facts.items() if k not in _OF_BODIES} for facts in (then, here))
    return tuple(name for name, value in then.items() if here[name] != value and (value or name not in _IF_SAID))


_OF_BODIES = {"errors", "missing rights", "reasons", "kind of body", "layers"}


_IF_SAID = {"token's rights", "token's owner", "life of the URL", "redirect"}
"""What the capture does not say may be anything."""


def _facts(response: Response, begun: int) -> dict[str, object]:
    token = response.token
    said = {name: response.header(name) for name in _COMPARED}
    return {
        "status": response.status,
        # A code that is not shown may be anything.
        "errors": tuple("" if "<" in error.code else error.code for error in response.errors),
        "missing rights": tuple(error.needs for error in response.errors),
        "reasons": response.stated,
        "kind of body": (response.is_html, response.text is not None),
        "token": token and _token_facts(response),
        "token's rights": _grant(response),
        "token's owner": token is not None and token.claims is not None and token.claims.nobody,
        "redirect": _place(response.location),
        "life of the URL": _life(response.location, begun),
        "next page": _place(response.next_page),
        "layers": tuple(link.text for link in response.layer_links),
        **{f"header {name}": value for name, value in said.items()},
    }


def _token_facts(response: Response) -> tuple[object, ...]:
    token = response.token
    if token is None:
        return ()
    held = (token.token is not None, token.access_token is not None, token.refresh_token is not None)
    grants_nothing = token.scope == ""
    issued = token.issued_at is not None
    return (token.is_json, held, token.expires_in, issued, token.empty, token.mistyped, grants_nothing)


def _grant(response: Response) -> object:
    """What the token says of its owner's rights; `None` where it says nothing."""
    claims = response.token.claims if response.token else None
    return None if claims is None or claims.access is None else (frozenset(claims.access),)


def _place(link: Link | None) -> object:
    return link and (link.origin, link.relative)


def _life(link: Link | None, begun: int) -> int | None:
    ends = link.signed.ends if link is not None and link.signed is not None else None
    return None if ends is None else int(ends - begun)


def _lines(headers: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(value.strip() for name, value in headers if name.lower() == "www-authenticate")
