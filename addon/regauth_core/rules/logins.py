"""What may be said of a login, and of a repository's name, by what the capture shows of them.

Every rule that advises to log in, to change a password or to look at a name takes its words from here: nobody is sent
to a host that is only a token server, told to log in where a login was sent, or to doubt a name that was served.
"""

from __future__ import annotations

from regauth_core.conversation.answers import is_given
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import bearer, bearer_challenges, refuses, secret_of
from regauth_core.model import Exchange, Link, Origin
from regauth_core.protocol.registries import registry_of
from regauth_core.rules.wording import login_key


def home(conversation: Conversation) -> str:
    """The registry to which a login belongs, as it is typed; where only its token server was seen, words for it."""
    if conversation.at_registry.last_request is not None:
        return conversation.registry
    return f"the registry that {conversation.origin.authority} serves"


def log_in(conversation: Conversation, refused: Exchange) -> str:
    """What to do where a request said nothing of who asks: log in, or see why the client kept its login back.

    The beginning of a sentence, without its full stop.
    """
    sent = login_sent(conversation, refused)
    if sent is None:
        return f"Log in to {home(conversation)}"
    if refuses(sent):
        return f"The login that was sent before ({sent.number}) was refused, and not tried again: see why it was"
    return (
        f"The client has a login for {home(conversation)} (sent with {sent.number}) and did not send it here: see"
        f" under which name it looks for it ({login_key(conversation)})"
    )


def login_sent(conversation: Conversation, refused: Exchange) -> Exchange | None:
    """The last exchange in which the client sent a password or the like to this registry or its token servers."""
    client_state = conversation.client_state
    named = {registry_of(link.origin) for link in _realms(refused) if link.origin is not None}
    named |= {
        registry_of(Origin(realm.scheme, realm.host, realm.port))
        for realm, registry in client_state.realms.items()
        if registry == conversation.registry
    }
    others = (client_state.at_registries.get(name) for name in named)
    sent = [e for at in (conversation.at_registry, *others) if at is not None for e in at.secrets.values()]
    return max(sent, key=lambda e: e.number, default=None)


def _realms(refused: Exchange) -> list[Link]:
    return [c.realm_link for c in bearer_challenges(refused) if c.realm_link is not None]


def served(conversation: Conversation) -> Exchange | None:
    """An exchange that shows that the repository is there: somebody got something of it."""
    if conversation.repository is None:
        return None
    where = (conversation.registry, conversation.repository)
    state = conversation.trace_state
    own = (e for e in conversation.requests if is_given(e) and e.request.method in ("GET", "HEAD"))
    return state.authorized_reads.get(where) or state.anonymous_reads.get(where) or next(own, None)


def given_away(conversation: Conversation, exchange: Exchange, host: str) -> str:
    """What to do about a credential of `host` that somebody else could read, by what it was: a whole sentence."""
    if secret_of(exchange) is not None:
        return f"Change the password for {host}."
    issue = conversation.issue_of(bearer(exchange))
    if issue is None:
        return f"Renew the login for {host}: it cannot be seen how long the token that was sent is good."
    whose = "anybody can have such a token" if issue.secret is None else "the password was not sent"
    return f"The token for {host} that was sent is good for {issue.ended - issue.began:.0f} s, and {whose}."
