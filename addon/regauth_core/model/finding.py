"""What is found, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for error."""
        return {"info": 0, "warning": 1, "error": 2}[self.value]


class Fault(StrEnum):
    """Who has to act."""

    CLIENT = "client"
    REGISTRY = "registry"
    TOKEN_SERVER = "token-server"
    PROXY = "proxy"
    CREDENTIALS = "credentials"
    CONFIGURATION = "configuration"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How sure a finding is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def less(self) -> Confidence:
        """One step less."""
        return Confidence.MEDIUM if self is Confidence.HIGH else Confidence.LOW


class Reason(StrEnum):
    """Why something stays undecided."""

    CAPTURE_CUT = "capture-cut"
    QUIET_TIME_NOT_REACHED = "quiet-time-not-reached"
    TOKEN_HOST_OUTSIDE_CAPTURE = "token-host-outside-capture"
    CAPTURE_STARTS_LATE = "capture-starts-late"
    CLIENT_IDENTITY_UNSURE = "client-identity-unsure"
    ABORTED = "aborted"
    CHANGED_BY_REGAUTH = "changed-by-regauth"


@dataclass(frozen=True, slots=True)
class Reference:
    """A clause of a document that a rule rests on."""

    document: str
    section: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do: one sentence for each of the two who can do something."""

    client_author: str
    user: str


class ProofResult(StrEnum):
    """What came of sending what a correct client would have sent."""

    WOULD_HAVE_WORKED = "would-have-worked"
    CREDENTIALS_REJECTED = "credentials-rejected"
    INSUFFICIENT_RIGHTS = "insufficient-rights"
    TOKEN_SERVER_REFUSED = "token-server-refused"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The proof behind a finding."""

    outcome: ProofResult
    status: int | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A refused exchange was sent beside the client as a correct one would have sent it."""

    exchange: int
    """The number of the refused exchange."""
    at: float
    """Seconds since the epoch."""
    verification: Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """A finding that rested on a client's silence, and was refuted when the client went on after all."""

    rule: str
    client: str
    registry: str
    repository: str | None
    exchanges: tuple[int, ...]
    """The numbers of the exchanges that it was said of."""
    by: int
    """The number of the exchange that refuted it."""
    at: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule, its evidence and its culprit."""

    rule: str
    severity: Severity
    fault: Fault
    confidence: Confidence
    confidence_reason: str
    cause: str | None
    client: str
    registry: str
    repository: str | None
    exchanges: tuple[int, ...]
    title: str
    explanation: str
    advice: Advice
    references: tuple[Reference, ...]
    verification: Verification | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """Something that would be a finding if the capture showed more."""

    rule: str
    reason: Reason
    client: str
    registry: str
    repository: str | None
    exchanges: tuple[int, ...]
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client of the trace: the sender of the exchanges that carry its `id`."""

    id: str
    """``c1``, ``c2``, … in order of appearance."""
    user_agent: str | None
    engine: str | None
    """The library that decides how it authenticates, such as ``containers/image``."""
    process: str | None
    """Program name and number, such as ``skopeo (4711)``."""
    label: str | None = None
    """The user name in the proxy's URL, which groups clients; the program is who is meant."""


class Place(StrEnum):
    """Who answered."""

    REGISTRY = "registry"
    TOKEN_SERVER = "token-server"
    ELSEWHERE = "elsewhere"
    """A host to which an answer had sent the client."""


class OperationKind(StrEnum):
    """What a client wanted, by the endpoint and method of its requests."""

    PING = "ping"
    TOKEN = "get-token"
    CATALOG = "list-repositories"
    TAGS = "list-tags"
    REFERRERS = "list-referrers"
    FETCH_MANIFEST = "fetch-manifest"
    PUSH_MANIFEST = "push-manifest"
    FETCH_BLOB = "fetch-blob"
    PUSH_BLOB = "push-blob"
    DELETE = "delete"
    OTHER = "other"


class End(StrEnum):
    """How an operation ended."""

    SUCCEEDED = "succeeded"
    ANSWERED = "answered"
    """What was looked for is not there, or the registry does not offer it: an answer."""
    NEEDLESS = "needless"
    """It failed, and the client got what it wanted in another way."""
    REFUSED = "refused"
    """401, 403 or 407, or a 400 that says the same."""
    FAILED = "failed"
    """Another error, or a success without what belongs to it."""
    LOST = "lost"
    """No connection, or one that broke."""
    UNKNOWN = "unknown"
    """The capture does not hold the answer, or the client broke off."""

    @property
    def is_failure(self) -> bool:
        """Whether it has to be accounted for."""
        return self in (End.REFUSED, End.FAILED, End.LOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a client wanted, with the exchanges that it made for it, and how it ended."""

    kind: OperationKind
    client: str
    registry: str
    repository: str | None
    exchanges: tuple[int, ...]
    """At most the last 100."""
    end: End
    place: Place
    """Who gave the answer that decided it."""
    status: int | None
    """Of that answer; `None` where there is none."""
    altered: bool = False
    """regauth itself changed one of its requests or answers."""
    account: str | None = None
    """The rule whose finding, or undecided case, accounts for a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All that a trace shows."""

    clients: tuple[Client, ...]
    exchanges: int
    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...]
    notes: tuple[str, ...] = ()
    """What the reader has to know about the capture itself: damage, clients that did not trust the authority."""
    operations: tuple[Operation, ...] = ()
    """What the clients wanted, in the order in which it was over, failures first kept where there are too many."""
    operations_left_out: int = 0
