"""The operations of the registry API for somebody who may use them (OCI distribution specification).

Answers are for GET; `message.finished` makes those for HEAD of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from regauth_core.model import Endpoint
from regauth_core.simulate.grammar import TAG_GRAMMAR
from regauth_core.simulate.hosts import Hosts
from regauth_core.simulate.image import digest
from regauth_core.simulate.message import Answer, Asked, json_answer, refusal
from regauth_core.simulate.policy import RegistryPolicy
from regauth_core.simulate.route import Route
from regauth_core.simulate.store import Full, RegistryContent, is_digest, is_digest_of

_BINARY = "application/octet-stream"
_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_MANIFEST_LIMIT = 4 << 20
"""Bytes that a registry has to take for a manifest ("Pushing Manifests")."""
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_CHUNK = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/.{0,20})?")
_TAG = re.compile(TAG_GRAMMAR)


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: str
    media_type: str | None = None
    urls: list[str] | None = None


class _Manifest(msgspec.Struct, rename="camel"):
    media_type: str | None = None
    artifact_type: str | None = None
    config: _Descriptor | None = None
    layers: list[_Descriptor] = []
    manifests: list[_Descriptor] = []
    subject: _Descriptor | None = None
    annotations: dict[str, str] | None = None


class Endpoints:
    """The registry behind its access control."""

    def __init__(self, policy: RegistryPolicy, store: RegistryContent, places: Hosts) -> None:
        """`store` is changed by what is pushed."""
        self._policy = policy
        self._store = store
        self._places = places

    def answer(self, asked: Asked, route: Route, now: float, *, may_mount: bool) -> Answer:
        """What a request of somebody who has the rights for it gets.

        `route` has a repository that exists, and `asked.method` is one of the endpoint's. `may_mount`: the asker may
        also pull from the repository of the query's `from`.
        """
        try:
            match route.endpoint:
                case Endpoint.TAGS:
                    return self._tags(asked, route)
                case Endpoint.MANIFEST:
                    return self._manifest(asked, route)
                case Endpoint.BLOB:
                    return self._blob(asked, route, now)
                case Endpoint.REFERRERS:
                    return self._referrers(asked, route)
                case Endpoint.UPLOAD_START:
                    return self._upload_start(asked, route, may_mount=may_mount)
                case _:
                    return self._upload(asked, route)
        except Full:
            return refusal(413, "SIZE_INVALID", "the simulated registry has no room left for this")

    def catalog(self, asked: Asked, names: Sequence[str]) -> Answer:
        """The list of repositories; `names` are those that the asker may see."""
        return self._listed(asked, "/v2/_catalog", "repositories", sorted(names))

    def _tags(self, asked: Asked, route: Route) -> Answer:
        path = f"/v2/{route.repository}/tags/list"
        return self._listed(asked, path, "tags", self._store.tags(route.repository), name=route.repository)

    def _listed(self, asked: Asked, path: str, field: str, names: list[str], **extra: str) -> Answer:
        """A page of `names`, with a link to the next one (RFC 8288) where there are more."""
        number, last = (next(iter(asked.query(key)), "") for key in ("n", "last"))
        if number and not re.fullmatch("[0-9]{1,9}", number):
            return refusal(400, "PAGINATION_NUMBER_INVALID", "n is not a number")
        size = min(int(number) if number else self._policy.page_size, self._policy.page_size)
        left = [name for name in names if name > last]
        page = left[:size]
        answer = json_answer(200, {**extra, field: page})
        if page and len(left) > size:
            link = f'<{path}?last={quote(page[-1], safe="")}&n={size}>; rel="next"'
            return answer.with_headers(("Link", link))
        return answer

    def _manifest(self, asked: Asked, route: Route) -> Answer:
        if asked.method == "PUT":
            return self._put_manifest(asked, route)
        if asked.method == "DELETE":
            if self._store.remove_manifest(route.repository, route.reference):
                return Answer(status=202)
            return refusal(404, "MANIFEST_UNKNOWN", "no such manifest")
        found = self._store.manifest(route.repository, route.reference)
        if found is None:
            return refusal(404, "MANIFEST_UNKNOWN", "no such manifest")
        name, media_type, data = found
        headers = (("Content-Type", media_type), ("Docker-Content-Digest", name), ("Etag", f'"{name}"'))
        return Answer(status=200, headers=headers, body=data)

    def _put_manifest(self, asked: Asked, route: Route) -> Answer:
        if len(asked.body) > _MANIFEST_LIMIT:
            return refusal(413, "SIZE_INVALID", "a manifest has at most 4 MiB")
        is_checked = self._policy.uploads.checked
        try:
            manifest = msgspec.json.decode(asked.body, type=_Manifest)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            if is_checked:
                return refusal(400, "MANIFEST_INVALID", "the body is not a manifest")
            manifest = _Manifest()
        by_digest = ":" in route.reference
        name = route.reference if by_digest else digest(asked.body)
        if is_checked and not is_digest_of(name, asked.body):
            return refusal(400, "DIGEST_INVALID", "the manifest has another digest")
        if not by_digest and not _TAG.fullmatch(route.reference):
            return refusal(400, "TAG_INVALID", "the reference is neither a tag nor a digest")
        if is_checked and not self._complete(manifest, route.repository):
            return refusal(400, "MANIFEST_BLOB_UNKNOWN", "the manifest names content that is not in the repository")
        media_type = next(iter(asked.all("content-type")), "") or manifest.media_type or "application/json"
        self._store.add_manifest(route.repository, name, None if by_digest else route.reference, media_type, asked.body)
        location = self._places.upload(asked, f"/v2/{route.repository}/manifests/{name}")
        answer = Answer(status=201, headers=(("Location", location), ("Docker-Content-Digest", name)))
        # "Pushing Manifests with Subject": without it a client keeps the list of referrers by itself.
        return answer.with_headers(("OCI-Subject", manifest.subject.digest)) if manifest.subject else answer

    def _complete(self, manifest: _Manifest, repository: str) -> bool:
        """Whether all that is not kept elsewhere is in the repository."""
        blobs = [*([manifest.config] if manifest.config else []), *(part for part in manifest.layers if not part.urls)]
        return all(self._store.blob(repository, part.digest) is not None for part in blobs) and all(
            self._store.manifest(repository, part.digest) for part in manifest.manifests
        )

    def _blob(self, asked: Asked, route: Route, now: float) -> Answer:
        if not is_digest(route.reference) and self._store.blob(route.repository, route.reference) is None:
            return refusal(400, "DIGEST_INVALID", "the reference is not a digest")
        if asked.method == "DELETE":
            if self._store.remove_blob(route.repository, route.reference):
                return Answer(status=202)
            return refusal(404, "BLOB_UNKNOWN", "no such blob")
        data = self._store.blob(route.repository, route.reference)
        if data is None:
            return refusal(404, "BLOB_UNKNOWN", "no such blob")
        if self._policy.blobs.mode == "redirect":
            url = self._places.blob(asked, route.reference, now)
            return Answer(status=self._policy.blobs.status, headers=(("Location", url),))
        return ranged(asked, data, (("Docker-Content-Digest", route.reference),))

    def _referrers(self, asked: Asked, route: Route) -> Answer:
        """The manifests of the repository whose subject has this digest ("Listing Referrers")."""
        if not is_digest(route.reference):
            return refusal(400, "DIGEST_INVALID", "the reference is not a digest")
        wanted = next(iter(asked.query("artifactType")), "")
        listed: list[dict[str, object]] = []
        for name, media_type, data in self._store.manifests(route.repository):
            try:
                manifest = msgspec.json.decode(data, type=_Manifest)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                # Taken unchecked.
                continue
            if manifest.subject is None or manifest.subject.digest != route.reference:
                continue
            kind = manifest.artifact_type or (manifest.config.media_type if manifest.config else None)
            if wanted and kind != wanted:
                continue
            entry: dict[str, object] = {"mediaType": media_type, "digest": name, "size": len(data)}
            if kind:
                entry["artifactType"] = kind
            if manifest.annotations:
                entry["annotations"] = manifest.annotations
            listed.append(entry)
        answer = json_answer(200, {"schemaVersion": 2, "mediaType": _INDEX_TYPE, "manifests": listed}, _INDEX_TYPE)
        return answer.with_headers(("OCI-Filters-Applied", "artifactType")) if wanted else answer

    def _upload_start(self, asked: Asked, route: Route, *, may_mount: bool) -> Answer:
        mounted, source, whole = (next(iter(asked.query(key)), "") for key in ("mount", "from", "digest"))
        if mounted and source and may_mount and self._policy.uploads.mount:
            if self._store.mount(route.repository, mounted, source):
                return self._created(asked, route, mounted)
        elif whole:
            return self._kept(asked, route, whole, asked.body)
        session = self._store.begin_upload(route.repository)
        return self._progress(asked, route, session, 202)

    def _upload(self, asked: Asked, route: Route) -> Answer:
        size = self._store.upload_size(route.repository, route.reference)
        if size is None:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        if asked.method == "GET":
            return self._progress(asked, route, route.reference, 204)
        if asked.method == "DELETE":
            self._store.end_upload(route.repository, route.reference)
            return Answer(status=204)
        if not _continues(asked, size):
            answer = refusal(416, "BLOB_UPLOAD_INVALID", "the chunk does not begin where the upload ends")
            return answer.with_headers(*self._progress(asked, route, route.reference, 416).headers)
        name = next(iter(asked.query("digest")), "")
        if asked.method == "PUT" and self._policy.uploads.checked and not is_digest(name):
            return refusal(400, "DIGEST_INVALID", "the query does not name a digest")
        self._store.append_upload(route.repository, route.reference, asked.body)
        if asked.method == "PATCH":
            return self._progress(asked, route, route.reference, 202)
        return self._kept(asked, route, name, self._store.end_upload(route.repository, route.reference))

    def _kept(self, asked: Asked, route: Route, name: str, data: bytes) -> Answer:
        if not self._store.add_blob(route.repository, name, data):
            return refusal(400, "DIGEST_INVALID", "the blob has another digest")
        return self._created(asked, route, name)

    def _created(self, asked: Asked, route: Route, name: str) -> Answer:
        location = self._places.upload(asked, f"/v2/{route.repository}/blobs/{name}")
        return Answer(status=201, headers=(("Location", location), ("Docker-Content-Digest", name)))

    def _progress(self, asked: Asked, route: Route, session: str, status: int) -> Answer:
        size = self._store.upload_size(route.repository, session) or 0
        location = self._places.upload(asked, f"/v2/{route.repository}/blobs/uploads/{session}")
        headers = (("Location", location), ("Range", f"0-{max(size - 1, 0)}"), ("Docker-Upload-UUID", session))
        return Answer(status=status, headers=headers)


def ranged(asked: Asked, data: bytes, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """`data`, or the one part of it that the request's `Range` names (RFC 9110 section 14.2)."""
    headers += (("Content-Type", _BINARY), ("Accept-Ranges", "bytes"))
    values = asked.all("range")
    match = _RANGE.fullmatch(values[0]) if len(values) == 1 else None
    if match is None or match[0] == "bytes=-":
        return Answer(status=200, headers=headers, body=data)
    size = len(data)
    if match[1]:
        first, last = int(match[1]), min(int(match[2]) if match[2] else size - 1, size - 1)
    else:
        first, last = max(size - int(match[2]), 0), size - 1
    if first > last:
        return refusal(416, "RANGE_INVALID", "no such part").with_headers(("Content-Range", f"bytes */{size}"))
    headers += (("Content-Range", f"bytes {first}-{last}/{size}"),)
    return Answer(status=206, headers=headers, body=data[first : last + 1])


def _continues(asked: Asked, size: int) -> bool:
    """Whether the request's `Content-Range`, if there is one, begins at `size` and is as long as the body."""
    values = asked.all("content-range")
    if not values or not asked.body:
        return True
    match = _CHUNK.fullmatch(values[0])
    return match is not None and int(match[1]) == size and int(match[2]) - size + 1 == len(asked.body)
