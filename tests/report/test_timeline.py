"""Long stories are folded and counted, and what findings point to stays."""

from __future__ import annotations

from kit import journals, values
from regauth_core.model import Exchange
from regauth_core.report import timeline
from regauth_core.report.roles import Role, path, roles


def _blobs(count: int, begin: int = 1) -> list[Exchange]:
    return [
        values.exchange(number, "GET", f"/v2/bar/blobs/{number}", 200, target=values.blob("bar"))
        for number in range(begin, begin + count)
    ]


def _alternating(count: int) -> list[Exchange]:
    """Requests of which no two neighbours are alike."""
    return [
        values.exchange(number, "GET" if number % 2 else "HEAD", "/v2/", 200, target=values.PING)
        for number in range(1, count + 1)
    ]


def test_repetitions_become_one_row() -> None:
    """Twelve blobs in a row are one row that says so."""
    (row,) = timeline.rows(values.journal(_blobs(12)))
    assert (row.numbers, row.repetition) == ("1–12", "×12 GET blob")


def test_three_of_a_kind_stay() -> None:
    """A short repetition is not folded."""
    assert [row.numbers for row in timeline.rows(values.journal(_blobs(3)))] == ["1", "2", "3"]


def test_a_repetition_does_not_swallow_evidence() -> None:
    """An exchange that a finding points to keeps a row of its own among its like."""
    told = timeline.rows(values.journal(_blobs(12), values.finding(6)))
    assert [row.numbers for row in told] == ["1–5", "6", "7–12"]


def test_long_stretches_are_counted() -> None:
    """More rows than allowed: the stretch between is one row, and every exchange is in exactly one row."""
    journal = values.journal(_alternating(300), values.finding(150, 151))
    told = timeline.rows(journal)
    assert len(told) <= timeline.LONGEST
    assert {"150", "151"} <= {row.numbers for row in told}
    assert list(range(1, 301)) == [exchange.number for row in told for exchange in row.exchanges]


def test_all_evidence_is_kept_unless_a_format_has_a_limit() -> None:
    """A finding of a hundred exchanges keeps them all; a strict limit keeps the first and the last."""
    many = tuple(range(1, 201, 2))
    journal = values.journal(_alternating(300), values.finding(*many))
    assert set(map(str, many)) <= {row.numbers for row in timeline.rows(journal)}
    strict = timeline.rows(journal, most=20, is_strict=True)
    assert len(strict) <= 20
    assert {"1", "199"} <= {row.numbers for row in strict}


def test_hosts_have_roles() -> None:
    """Registry, token server and blob store are told apart."""
    journal = journals.token_exchange()
    parts = roles(journal)
    assert parts.home == values.REGISTRY
    assert [parts.of(exchange) for exchange in journal.exchanges] == [
        Role.REGISTRY,
        Role.TOKEN_SERVER,
        Role.REGISTRY,
        Role.REGISTRY,
        Role.BLOB_STORE,
        Role.REGISTRY,
        Role.TOKEN_SERVER,
        Role.REGISTRY,
    ]


def test_paths_of_urls() -> None:
    """Path and query of a URL; what is no URL stays as it is."""
    given = ["https://r.test/v2/?n=1", "https://r.test", "https://r.test?x=1", "nothing", "a/b://c"]
    assert [path(url) for url in given] == ["/v2/?n=1", "/", "/?x=1", "nothing", "a/b://c"]
