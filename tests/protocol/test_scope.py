"""What scopes mean, whatever their spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.model import Endpoint, Safe, Target
from regauth_core.protocol import scope
from regauth_core.protocol.scope import Scope

ENTRIES = st.builds(
    ":".join,
    st.tuples(
        st.sampled_from(["repository", "repository(plugin)", "registry"]),
        st.sampled_from(["a", "a/b", "reg.test:5000/a", "catalog"]),
        st.lists(st.sampled_from(["pull", "push", "delete", "*", ""]), max_size=4).map(",".join),
    ),
) | st.sampled_from(["aws", ""])


@pytest.mark.parametrize(
    ("text", "kind", "name", "actions"),
    [
        ("repository:foo:pull", "repository", "foo", {"pull"}),
        ("repository:a/b/c:pull,push", "repository", "a/b/c", {"pull", "push"}),
        ("repository:a:push,pull,push", "repository", "a", {"pull", "push"}),
        ("repository:reg.test:5000/a/b:pull", "repository", "reg.test:5000/a/b", {"pull"}),
        ("repository(plugin):a/b:pull", "repository(plugin)", "a/b", {"pull"}),
        ("registry:catalog:*", "registry", "catalog", {"*"}),
        ("repository:a:pull,*,push", "repository", "a", {"*"}),
        ("repository:a:", "repository", "a", set()),
        ("repository:a:,,pull,", "repository", "a", {"pull"}),
        ("repository::pull", "repository", "", {"pull"}),
        ("repository:a:metadata_read", "repository", "a", {"metadata_read"}),
        ("aws", "", "aws", set()),
        ("repository:foo", "", "repository:foo", set()),
        ("https://cloud.test/.default", "", "https://cloud.test/.default", set()),
        (":a:pull", "", ":a:pull", set()),
        ("::", "", "::", set()),
        ("", "", "", set()),
    ],
)
def test_the_first_and_the_last_colon_divide(text: str, kind: str, name: str, actions: set[str]) -> None:
    """Names may hold a host with a port; whatever has no three parts is an opaque word."""
    read = Scope.read(text)
    assert (kind, name, frozenset(actions)) == (read.kind, read.name, read.actions)
    assert text == str(read)
    assert (not kind) == read.opaque


@pytest.mark.parametrize(
    "text",
    [
        "repository:foo:pull",
        "repository:a/b-c/d_e/f__g/h.i/j---k:pull,push",
        "repository:reg.test:5000/a:pull",
        "repository:Reg.Test/a:pull",
        "repository:localhost/a:pull",
        "repository(plugin):a:pull",
        "registry:catalog:*",
        "repository:a:",
        "repository:a:metadata_read,pull",
    ],
)
def test_the_grammar_is_kept(text: str) -> None:
    """Hosts, separators, classes, the star and vendor actions are no defects."""
    assert Scope.read(text).well_formed


@pytest.mark.parametrize(
    "text",
    [
        "repository:/foo:pull",
        "repository:a//b:pull",
        "repository:a/:pull",
        "repository::pull",
        "repository:/:pull",
        "repository:Foo:pull",
        "repository:Library/foo:pull",
        "repository:a/B:pull",
        "repository:reg.test/A:pull",
        "repository:reg.test:5000:pull",
        "repository:reg.test:port/a:pull",
        "repository:a___b:pull",
        "repository:a..b:pull",
        "repository:-a:pull",
        "repository:a:Pull",
        "Repository:a:pull",
        "repository():a:pull",
        "repository:ä:pull",
        "repository:None:pull",
        "aws",
        "",
    ],
)
def test_the_grammar_is_broken(text: str) -> None:
    """Empty components, upper case and misplaced separators are seen, also behind a host."""
    assert not Scope.read(text).well_formed


def test_the_name_without_its_host() -> None:
    """A host is a first component with a dot or a port, or `localhost`."""
    names = {
        "repository:reg.test/a/b:pull": "a/b",
        "repository:reg:5000/a:pull": "a",
        "repository:localhost/a:pull": "a",
        "repository:a/b:pull": "a/b",
        "repository:a.b:pull": "a.b",
    }
    assert names == {text: Scope.read(text).path for text in names}


@pytest.mark.parametrize(
    ("have", "want", "covers"),
    [
        ("repository:a:pull,push", "repository:a:push,pull", True),
        ("repository:a:pull,push", "repository:a:pull", True),
        ("repository:a:pull", "repository:a:pull,push", False),
        ("repository:a:*", "repository:a:pull,push,delete", True),
        ("repository:a:pull", "repository:a:*", False),
        ("repository:a:pull", "repository:b:pull", False),
        ("repository:a:pull", "repository:a/b:pull", False),
        ("repository:a:pull", "registry:a:pull", False),
        ("repository(plugin):a:pull", "repository:a:pull", True),
        ("repository:a:pull", "repository(plugin):a:pull", True),
        ("aws", "aws", True),
        ("aws", "gcp", False),
        ("aws", "repository:a:pull", False),
        ("repository:a:*", "aws", False),
    ],
)
def test_covering(have: str, want: str, covers: bool) -> None:
    """Whoever has the one may do the other, or not."""
    assert covers == Scope.read(have).covers(Scope.read(want))
    assert covers == scope.covered(scope.entries([want]), scope.entries([have]))


@pytest.mark.parametrize(
    ("granted", "need", "covered"),
    [
        (["repository:a:pull repository:a:push"], "repository:a:pull,push", True),
        (["repository:a:pull", "repository:b:pull"], "repository:a:pull repository:b:pull", True),
        (["repository:a:pull"], "repository:a:pull repository:b:pull", False),
        (["repository:a:pull"], "repository:b:", True),
        ([], "", True),
        ([], "aws", False),
        (["", " \t"], "repository:a:pull", False),
    ],
)
def test_granted_entries_add_up(granted: list[str], need: str, covered: bool) -> None:
    """Actions on one resource may come from several entries; every needed entry has to be there."""
    assert covered == scope.covered(scope.entries([need]), scope.entries(granted))


def test_entries_come_apart_at_blanks() -> None:
    """Several texts, several entries in each, odd blanks: order and spelling are kept."""
    texts = ["  repository:a:push,pull  aws", "", "registry:catalog:*\t"]
    assert [str(entry) for entry in scope.entries(texts)] == ["repository:a:push,pull", "aws", "registry:catalog:*"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["repository:a:push,pull"], ["repository:a:push,pull"]),
        (["repository:a:push,pull", "repository:a:pull"], ["repository:a:push,pull"]),
        (["repository:a:pull", "repository:a:push"], ["repository:a:pull,push"]),
        (["repository:a:pull", "repository:a:*"], ["repository:a:*"]),
        (["repository:b:pull", "aws", "repository:a:pull", "aws"], ["repository:b:pull", "aws", "repository:a:pull"]),
        (
            ["repository(plugin):a:pull", "repository:a:pull"],
            ["repository(plugin):a:pull", "repository:a:pull"],
        ),
    ],
)
def test_merging_leaves_one_entry_for_each_resource(texts: list[str], expected: list[str]) -> None:
    """Actions are united and sorted; an entry that nothing was added to keeps its spelling and place."""
    assert expected == [str(entry) for entry in scope.merged(scope.entries(texts))]


def target(endpoint: Endpoint, repository: str | None = "a/b", source: str | None = None) -> Target:
    return Target(
        endpoint=endpoint,
        repository=None if repository is None else Safe(repository),
        mount_from=None if source is None else Safe(source),
    )


@pytest.mark.parametrize(
    ("method", "about", "expected"),
    [
        ("GET", target(Endpoint.MANIFEST), ["repository:a/b:pull"]),
        ("head", target(Endpoint.BLOB), ["repository:a/b:pull"]),
        ("GET", target(Endpoint.TAGS), ["repository:a/b:pull"]),
        ("GET", target(Endpoint.REFERRERS), ["repository:a/b:pull"]),
        ("PUT", target(Endpoint.MANIFEST), ["repository:a/b:pull,push"]),
        ("PATCH", target(Endpoint.UPLOAD), ["repository:a/b:pull,push"]),
        ("DELETE", target(Endpoint.MANIFEST), ["repository:a/b:delete"]),
        ("POST", target(Endpoint.UPLOAD_START), ["repository:a/b:pull,push"]),
        ("POST", target(Endpoint.UPLOAD_START, source="c"), ["repository:a/b:pull,push", "repository:c:pull"]),
        ("POST", target(Endpoint.UPLOAD_START, source="a/b"), ["repository:a/b:pull,push"]),
        ("GET", target(Endpoint.CATALOG, None), ["registry:catalog:*"]),
        ("GET", target(Endpoint.PING, None), []),
        ("GET", target(Endpoint.V2_OTHER, None), []),
        ("GET", target(Endpoint.ELSEWHERE, None), []),
        ("OPTIONS", target(Endpoint.MANIFEST), []),
    ],
)
def test_what_a_request_needs(method: str, about: Target, expected: list[str]) -> None:
    """Method and target tell the scopes, as the reference registry asks for them."""
    assert expected == [str(entry) for entry in scope.needed(method, about)]


def test_equal_meaning_is_equality() -> None:
    """The order of actions and repetitions do not make another scope; hashes agree."""
    assert {Scope.read("repository:a:pull,push")} == {Scope.read("repository:a:push,pull,push")}
    assert Scope.read("repository:a:pull") != Scope.read("repository:a:push")


def test_long_texts_are_not_remembered() -> None:
    """The memory for scopes read before holds short ones only."""
    long = "repository:" + "a" * 2000 + ":pull"
    assert Scope.read(long) is not Scope.read(long)
    assert Scope.read("repository:a:pull") is Scope.read("repository:a:pull")


@given(st.text())
def test_any_text_is_a_scope(text: str) -> None:
    """Reading never fails, keeps the spelling, and every scope covers itself."""
    read = Scope.read(text)
    assert text == str(read)
    assert read.covers(read)
    assert isinstance(read.well_formed, bool)


@given(st.lists(ENTRIES, max_size=6))
def test_merging_changes_no_rights(texts: list[str]) -> None:
    """The merged list allows what the list allows and no more, names nothing twice, and merges to itself."""
    before = scope.entries(texts)
    after = scope.merged(before)
    assert scope.covered(before, after)
    assert scope.covered(after, before)
    assert after == scope.merged(after)
    assert len({(entry.kind, entry.name) for entry in after}) == len(after)
    assert list(after) == [Scope.read(str(entry)) for entry in after]


@given(st.lists(ENTRIES, max_size=4), st.lists(ENTRIES, max_size=4), st.lists(ENTRIES, max_size=4))
def test_covering_is_transitive(first: list[str], second: list[str], third: list[str]) -> None:
    """Whoever may do what allows something may do that as well."""
    a, b, c = (scope.entries(texts) for texts in (first, second, third))
    if scope.covered(b, a) and scope.covered(c, b):
        assert scope.covered(c, a)
