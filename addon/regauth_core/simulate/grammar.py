"""How the names in a scenario are spelled."""

from __future__ import annotations

from typing import Annotated

from regauth_core.simulate.typed import Between, Matching

Identifier = Annotated[str, Matching("[a-z0-9]+(-[a-z0-9]+)*", "lower-case words joined by hyphens")]
Host = Annotated[
    str, Matching(r"[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[0-9]{1,5})?", "a lower-case host name, perhaps with a port")
]
Path = Annotated[str, Matching(r"/[A-Za-z0-9._~/-]{0,200}", "a path that begins with a slash")]
# The grammars of names and tags are those of the OCI distribution specification, "Pulling manifests".
NAME_GRAMMAR = r"(?=.{1,255}$)[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
TAG_GRAMMAR = "[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
RepositoryName = Annotated[str, Matching(NAME_GRAMMAR, "the name of a repository, in lower case")]
Tag = Annotated[str, Matching(TAG_GRAMMAR, "a tag")]
Word = Annotated[str, Matching("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}", "a word without blanks")]
UserName = Annotated[str, Matching("[^:\n]{1,100}", "a user name without a colon")]
Digest = Annotated[str, Matching("[A-Za-z0-9+._-]{1,32}:[0-9A-Za-z]{1,128}", "a digest")]
Place = Annotated[
    str, Matching(r"[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[0-9]{1,5})?|[0-9a-f:]{2,39}", "a host, perhaps with a port")
]
Request = Annotated[
    str,
    Matching(r"[A-Z]{1,16} https?://[^/\s?#]{1,300}/[^\s?#]{0,1200}", "a method and a URL without a query"),
]
Status = Annotated[int, Between(200, 599)]
Seconds = Annotated[int, Between(-100_000_000, 100_000_000)]
