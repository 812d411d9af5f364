"""How a program reads its arguments: which options take a value, and which of the values may be shown.

The tables are allow-lists made from the manuals: an option that is not named here is hidden with its value. Names are
written without hyphens; one letter is a short option.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Value(Enum):
    """What stands behind an option, or for itself."""

    NONE = auto()
    """Nothing: the option takes no value but ``=true``."""
    PLAIN = auto()
    """Harmless, and shown: a file, a platform, a format."""
    PORTS = auto()
    """``8080:80``; anything else behind the same option is a secret."""
    PAIR = auto()
    """``user:password``, or the user alone."""
    USER = auto()
    CREDENTIAL = auto()
    """A password, a token, a key: one secret."""
    HEADER = auto()
    """``Name: value``."""
    SETTING = auto()
    """``NAME=value``, such as a variable."""
    FIELDS = auto()
    """``name=value,name=value``."""
    GUARDED = auto()
    """``file:password``, as of a client's certificate."""
    HIDDEN = auto()
    """Anything else, such as the body of a request."""


class Positional(Enum):
    """What an argument without an option is."""

    REFERENCE = auto()
    """An image, a registry, a URL or a file: shown where it is written like one."""
    SECRET = auto()
    HIDDEN = auto()


@dataclass(frozen=True)
class ClientGrammar:
    """The grammar of one program's command line."""

    options: Mapping[str, Value]
    commands: frozenset[str] = frozenset()
    """Words that say what to do; shown where they stand in front of all other arguments."""
    place: Positional = Positional.REFERENCE
    starts: int | None = None
    """How many arguments stand in front of another command line (``timeout 5 COMMAND``); `None` where none does."""
    grouped: bool = True
    """Whether ``-ab`` is ``-a -b``; otherwise one hyphen begins a long option."""
    runs: frozenset[str] = frozenset()
    """Commands behind whose first argument another program's arguments begin, such as ``exec``."""


def client(
    base: ClientGrammar | None = None,
    /,
    *,
    place: Positional | None = None,
    starts: int | None = None,
    grouped: bool = True,
    commands: str = "",
    runs: str = "",
    **names: str,
) -> ClientGrammar:
    """A client with the options of `base` and those in `names`: by the kind of value, names separated by blanks."""
    options = dict(base.options) if base else {}
    for kind, listed in names.items():
        options.update(dict.fromkeys(listed.split(), Value[kind.upper()]))
    return ClientGrammar(
        options=options,
        commands=frozenset(commands.split()) | (base.commands if base else frozenset()),
        place=place or (base.place if base else Positional.REFERENCE),
        starts=starts,
        grouped=grouped,
        runs=frozenset(runs.split()) | (base.runs if base else frozenset()),
    )


_USERS: Final = (
    "username from-username to-username src-username dest-username http-user registry-username docker-username"
)
_SECRETS: Final = (
    "password from-password to-password src-password dest-password http-password proxy-password registry-password "
    "docker-password pass passwd passphrase token registry-token src-registry-token dest-registry-token identity-token "
    "from-identity-token to-identity-token access-token refresh-token auth-token bearer bearer-token oauth2-bearer "
    "api-key apikey secret client-secret registry-secret auth basic-auth login pwd"
)
_PAIRS: Final = "creds credentials src-creds dest-creds from-creds to-creds cred user proxy-user"

UNKNOWN: Final = client(
    pair=f"u {_PAIRS}",
    user=_USERS,
    credential=f"p {_SECRETS}",
    header="H header from-header to-header",
    none="password-stdin identity-token-stdin access-token-stdin pass-stdin token-stdin no-creds"
    " src-no-creds dest-no-creds",
    place=Positional.HIDDEN,
    grouped=False,
    commands="login logout pull push copy inspect list-tags tags repo manifest blob image registry run build version",
)
"""Of a program without a table: its credentials are named, everything else is hidden."""

TOOL: Final = client(
    pair=f"u {_PAIRS}",
    user=_USERS,
    credential=f"p {_SECRETS}",
    header="header",
    none="password-stdin identity-token-stdin access-token-stdin h help version debug quiet verbose insecure no-creds",
    plain="authfile cert-dir tls-verify platform os arch variant format o output registry-config ca-file"
    " cert-file key-file log-level config",
)

_CONTAINERS: Final = client(
    TOOL,
    runs="run exec create start",
    none="q a all all-tags raw no-tags n preserve-digests src-no-creds dest-no-creds remove-signatures"
    " keep-going scoped dry-run get-login v get-login tls-verify src-tls-verify dest-tls-verify"
    " insecure-policy dest-compress dest-decompress dest-oci-accept-uncompressed-layers"
    " dest-precompute-digests src-compressed list-tags no-trunc disable-content-trust disable-compression"
    " rm i t it d detach interactive tty privileged no-cache pull-always compress layers squash"
    " force-compression skip-tls-verify debug rmi rootless init replace read-only quiet",
    plain="authfile src-authfile dest-authfile src-cert-dir dest-cert-dir src-daemon-host dest-daemon-host"
    " daemon-host src-shared-blob-dir dest-shared-blob-dir shared-blob-dir f format src dest s multi-arch"
    " override-arch override-os override-variant policy registries.d registries-conf registries-conf-dir"
    " tmpdir command-timeout retry retry-times retry-delay digestfile dest-compress-format"
    " dest-compress-level root runroot storage-driver limit filter compression-format compression-level"
    " encrypt-layer additional-tag network iidfile file isolation pull env-file cgroup-manager"
    " events-backend log-driver volume v file target",
    credential="registry-token src-registry-token dest-registry-token decryption-key encryption-key",
    setting="e env build-arg label annotation l build-context",
    fields="secret mount",
    hidden="sign-by storage-opt name tlskey",
)
_CONTAINER_COMMANDS: Final = (
    "login logout pull push copy inspect list-tags sync delete manifest image images build bud run create exec search"
    " tag tags rmi save load info version buildx imagetools plugin system df add annotate rm ls ps start container"
    " volume context compose up standalone-sign config from secret network machine swarm service stack trust"
    " artifact join init"
)  # fmt: skip

_SKOPEO: Final = client(
    _CONTAINERS,
    commands=_CONTAINER_COMMANDS,
    none="v config",
    plain="d",
    hidden="sign-identity",
)
_PODMAN: Final = client(_CONTAINERS, commands=_CONTAINER_COMMANDS, plain="t")
_DOCKER: Final = client(
    _CONTAINERS,
    commands=_CONTAINER_COMMANDS,
    none="insecure-registry with-registry-auth push load D tls tlsverify insecure no-resolve",
    plain="t tag config c context H host l log-level cache-from cache-to builder progress provenance sbom"
    " namespace n tlscacert tlscert address snapshotter hosts-dir cgroup-manager metadata-file",
    fields="output o cache-from cache-to",
)
_CTR: Final = client(
    TOOL,
    commands="images image i pull push fetch content c ls import export run tasks t version namespaces resolve",
    none="k skip-verify plain-http all-platforms local http-dump http-trace skip-metadata print-chainid",
    plain="n namespace a address hosts-dir tlscacert tlscert manifest manifest-type platform"
    " snapshotter max-concurrent-downloads connect-timeout timeout",
)
_ORAS: Final = client(
    TOOL, header="H header from-header to-header",
    commands="login logout pull push repo repository tags ls manifest fetch fetch-config delete blob copy"
    " cp attach discover tag resolve index create update version backup restore",
    none="d r v recursive plain-http from-plain-http to-plain-http from-insecure to-insecure oci-layout"
    " from-oci-layout to-oci-layout descriptor pretty no-tty force f allow-path-traversal k keep-old-files"
    " include-subject disable-path-validation from-password-stdin to-password-stdin exclude-digest-tags"
    " full-ref",
    plain="last concurrency to-registry-config from-registry-config to-ca-file from-ca-file to-cert-file"
    " from-cert-file resolve from-resolve to-resolve distribution-spec from-distribution-spec"
    " to-distribution-spec artifact-type config media-type oci-layout-path depth image-spec"
    " annotation-file export-manifest size",
    setting="a annotation", credential="from-identity-token to-identity-token",
)  # fmt: skip
_CRANE: Final = client(
    TOOL,
    commands="auth login logout get token ls tags catalog pull push copy cp manifest digest config"
    " validate export append mutate tag delete version blob index rebase flatten list filter gc",
    none="v m allow-nondistributable-artifacts full-ref O omit-digest-tags index a all-tags n no-clobber"
    " remote fast recursive r oci-empty-base",
    plain="image-refs tarball t tag new_tag f new_layer b base c cache_path j jobs format",
    setting="e env l label",
    hidden="cmd entrypoint",
    fields="",
)
_REGCTL: Final = client(
    TOOL,
    commands="registry login logout set config whoami repo ls image copy manifest get head put delete"
    " inspect digest tag blob index artifact list tree export import mod version ref create check-base"
    " ratelimit once server",
    none="create skip-check pass-stdin fast force-recursive digest-tags referrers include-external"
    " repo-auth list require-list recursive external raw-body",
    plain="tls hostname path-prefix priority req-concurrent req-per-sec blob-chunk blob-max limit last"
    " format-body verbosity v logopt mirror platform referrers-src referrers-tgt include exclude"
    " cred-helper c config user-agent media-type subject artifact-type filter-artifact-type",
    fields="host",
    setting="annotation api-opts",
    hidden="p client-key client-cert cacert",
    credential="pass",
)
_HELM: Final = client(
    TOOL,
    commands="registry login logout pull push show chart values all template install upgrade repo add"
    " update index list dependency build search version package status",
    none="devel untar plain-http insecure-skip-tls-verify pass-credentials verify i install atomic wait"
    " dry-run force-update create-namespace include-crds no-update debug prov force",
    plain="registry-config repository-config repository-cache version d destination untardir ca-file"
    " cert-file key-file n namespace f values repo timeout kube-context o output kubeconfig",
    setting="set set-string set-json set-literal set-file",
    hidden="keyring description post-renderer-args",
)
_SIGSTORE: Final = client(
    TOOL,
    commands="login logout sign verify attest verify-attestation tree copy triangulate attach sbom"
    " attestation signature download clean save load generate-key-pair initialize version blob upload cert"
    " list ls inspect key add delete policy show plugin generate-test",
    none="y yes r recursive allow-insecure-registry allow-http-registry insecure-registry plain-http"
    " upload tlog-upload insecure-ignore-tlog insecure-ignore-sct d verbose force f only a"
    " allow-referrers-api oci-layout keyless check-claims",
    plain="type predicate certificate-identity certificate-oidc-issuer t timeout rekor-url fulcio-url"
    " oidc-issuer signature-format max-signatures registry-cacert registry-client-cert"
    " registry-server-name attachment-tag-prefix k8s-keychain allow-referrers-api payload bundle",
    setting="a annotations user-metadata m",
    hidden="key k sk slot id plugin-config",
    credential="identity-token registry-token",
    user="registry-username",
    pair="",
)
_SCANNER: Final = client(
    TOOL,
    commands="image i fs repo scan registry login logout packages attest db update version check sbom convert",
    none="q d skip-db-update skip-java-db-update skip-version-check disable-telemetry ignore-unfixed"
    " no-progress offline-scan download-db-only insecure only-fixed add-cpes-if-none list-all-pkgs vv v"
    " reset clear-cache",
    plain="f format s severity scanners image-src cache-dir timeout db-repository java-db-repository"
    " server t template exit-code from scope c config catalogers fail-on by-cve name base-path input"
    " ignorefile pkg-types vuln-type",
    hidden="token-header custom-headers select-catalogers exclude",
    credential="registry-token token",
    user="username",
)
_BUILDKIT: Final = client(
    TOOL, commands="build debug workers du prune dial-stdio executor warmer version",
    none="no-cache insecure skip-tls-verify skip-tls-verify-pull insecure-pull insecure-registry"
    " reproducible cleanup single-snapshot no-push cache use-new-run",
    plain="frontend local addr progress metadata-file destination d context c dockerfile f"
    " context-sub-path registry-mirror skip-tls-verify-registry digest-file image-name-with-digest-file"
    " tar-path tarPath cache-repo cache-dir customPlatform snapshotMode snapshot-mode verbosity v"
    " log-timestamp tlscacert t tag file",
    fields="output o export-cache import-cache secret cache-to cache-from", setting="opt build-arg label",
    hidden="ssh git allow",
)  # fmt: skip
_JVM: Final = client(
    setting="D P",
    none="B o U X e q V h version S info stacktrace offline no-daemon debug ntp no-transfer-progress"
    " batch-mode refresh-dependencies console-plain",
    plain="f file pl projects T threads b build-file project-dir", hidden="s settings",
    commands="compile package jib jibDockerBuild jibBuildTar build deploy install verify clean jib:build",
    place=Positional.HIDDEN,
)  # fmt: skip
_APPTAINER: Final = client(
    TOOL,
    runs="run exec shell",
    commands="pull push build exec run shell inspect remote registry login logout list version cache",
    none="F force no-https nohttps docker-login disable-cache allow-unsigned U no-cleanup",
    plain="authfile dir name arch",
    credential="docker-password password",
    user="docker-username u username",
)
_PYTHON: Final = client(
    TOOL,
    commands="login logout pull push tags list-aliases list-repos list-repos get-alias set-alias"
    " get-digest make-alias pull-blob push-blob blob-size mount-blob list delete auth repo manifest get"
    " put tag image inspect layer version blob info descriptor",
    none="d l k g debug allow-anonymous",
    plain="registry i image-ref container-tag n",
)
_GENERAL: Final = client(
    TOOL,
    commands="build image copy pull push tag list package repo tags config images bundle login logout"
    " index apply publish resolve create unpack repack raw validate once check server registry version",
    none="bare B base-import-paths P preserve-import-paths local L insecure-registry registry-insecure"
    " registry-verify-certs dry-run layer-only once no-cache",
    plain="i b f file lock lock-output tags t tag platform sbom sbom-dir image layout tarball config c src"
    " dest image-refs registry-ca-cert-path to-repo to-tar tar registry-response-header-timeout",
    credential="registry-password registry-token",
    user="registry-username",
    hidden="ldflags",
)

REGISTRY_CLIENTS: Final[Mapping[str, ClientGrammar]] = {
    "skopeo": _SKOPEO,
    **dict.fromkeys(("podman", "buildah"), _PODMAN),
    **dict.fromkeys(("docker", "nerdctl", "finch", "img", "buildx", "docker-buildx", "docker-compose"), _DOCKER),
    **dict.fromkeys(("ctr", "crictl"), _CTR),
    **dict.fromkeys(("oras", "oras-cli"), _ORAS),
    **dict.fromkeys(("crane", "gcrane"), _CRANE),
    **dict.fromkeys(("regctl", "regsync", "regbot"), _REGCTL),
    "helm": _HELM,
    **dict.fromkeys(("cosign", "notation"), _SIGSTORE),
    **dict.fromkeys(("trivy", "syft", "grype"), _SCANNER),
    **dict.fromkeys(("buildctl", "executor", "kaniko", "warmer"), _BUILDKIT),
    **dict.fromkeys(("mvn", "mvnw", "gradle", "gradlew"), _JVM),
    "jib": client(
        TOOL, commands="build jar war", user="to-username from-username", credential="to-password from-password",
        plain="t target f build-file b build-file from", none="allow-insecure-registries send-credentials-over-http",
        pair="to-credential from-credential",
    ),
    **dict.fromkeys(("apptainer", "singularity"), _APPTAINER),
    **dict.fromkeys(("dxf", "oras-py", "crpy", "regshape"), _PYTHON),
    **dict.fromkeys(("ko", "imgpkg", "kbld", "umoci"), _GENERAL),
}  # fmt: skip
"""By the program's name."""

_SECRET_NAME = re.compile(
    r"(?:pass(?:w(?:or)?d|phrase|code)?|pwd?|creds?|credentials?|secrets?|tokens?|key|auth|authorization|login|bearer|"
    r"jwt|otp|pin|cookies?|signature|assertion|pat|(?:\A|[-_.])(?:sig|sas))[0-9]{0,2}\Z",
)
_USER_NAME = re.compile(r"(?:user(?:name)?|(?:\A|[-_.])account)\Z")
_MOST_NAME: Final = 128


def is_secret_name(name: str) -> bool:
    """Whether the end of `name`, of an option, a variable or a setting, says that its value is a secret."""
    return _SECRET_NAME.search(name[-_MOST_NAME:].lower()) is not None


def is_user_name(name: str) -> bool:
    """Whether the end of `name` says that its value is the name of a user."""
    return _USER_NAME.search(name[-_MOST_NAME:].lower()) is not None
