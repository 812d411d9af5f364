"""How programs that are not made for registries read their arguments: HTTP clients, clouds, wrappers of a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from regauth_core.redaction.command_line.client_options import (
    REGISTRY_CLIENTS,
    TOOL,
    UNKNOWN,
    ClientGrammar,
    Positional,
    client,
)

_CURL: Final = client(
    none="a anyauth basic compressed digest f fail fail-with-body fail-early g globoff G get I head i"
    " include k insecure L location location-trusted N no-buffer negotiate ntlm n netrc netrc-optional q"
    " disable s silent S show-error v verbose 0 1 2 3 4 6 http1.0 http1.1 http2 http2-prior-knowledge"
    " http3 http3-only tlsv1 tlsv1.2 tlsv1.3 ipv4 ipv6 Z parallel path-as-is proxy-anyauth proxy-basic"
    " proxy-insecure post301 post302 post303 O remote-name R J j # tr-encoding progress-bar"
    " no-progress-meter raw ssl-reqd V version h help create-dirs no-keepalive no-alpn proxytunnel",
    plain="X request o output x proxy cacert capath c cookie-jar D dump-header m max-time connect-timeout"
    " retry retry-delay retry-max-time resolve connect-to r range A user-agent w write-out T upload-file K"
    " config noproxy max-redirs url e referer ciphers tls-max key-type cert-type netrc-file interface"
    " limit-rate trace trace-ascii unix-socket doh-url dns-servers",
    pair="u user U proxy-user", header="H header proxy-header",
    credential="oauth2-bearer pass proxy-pass tlspassword proxy-tlspassword b cookie",
    guarded="E cert proxy-cert", user="tlsuser proxy-tlsuser login-options",
    hidden="d data data-ascii data-binary data-raw data-urlencode json F form form-string key proxy-key"
    " aws-sigv4 url-query Q quote variable engine pinnedpubkey",
)  # fmt: skip
_WGET: Final = client(
    none="q quiet v verbose nv no-verbose S server-response no-check-certificate c continue d debug N"
    " timestamping auth-no-challenge no-proxy content-on-error spider no-netrc 4 6 inet4-only inet6-only r"
    " recursive no-hsts V h content-disposition trust-server-names",
    plain="O output-document o output-file ca-certificate ca-directory certificate P directory-prefix t"
    " tries T timeout method secure-protocol max-redirect proxy U user-agent",
    user="user http-user proxy-user ftp-user",
    header="header",
    credential="password http-password http-passwd proxy-password ftp-password",
    hidden="post-data body-data private-key post-file body-file",
)
_HTTPIE: Final = client(
    none="v verbose h headers b body m meta F follow all f form j json I ignore-stdin d download"
    " check-status S stream offline q quiet multipart",
    plain="print o output verify cert timeout max-redirects pretty style s default-scheme ssl proxy A"
    " auth-type",
    pair="a auth", credential="cert-key-pass bearer", hidden="cert-key session session-read-only raw",
    commands="GET HEAD POST PUT PATCH DELETE OPTIONS",
)  # fmt: skip
_GIT: Final = client(
    TOOL,
    commands="clone fetch pull push ls-remote remote add submodule update",
    none="q v bare mirror recursive tags heads",
    plain="b branch depth o C",
    hidden="c config-env",
)
_CLOUD: Final = client(
    TOOL,
    commands="ecr ecr-public get-login get-login-password get-authorization-token sts assume-role auth"
    " print-access-token print-identity-token configure-docker acr login show list repository manifest"
    " token create credential account get-access-token artifacts docker images registry container ibmcloud"
    " cr",
    none="expose-token no-include-email no-browser use-device-code service-principal",
    plain="region profile output o registry-ids query endpoint-url ca-bundle registry project location"
    " resource format g resource-group subscription t tenant repository-name repository duration",
    hidden="n name u", credential="p password id-token federated-token secret-access-key client-secret",
    user="username", place=Positional.HIDDEN,
)  # fmt: skip
_KUBERNETES: Final = client(
    TOOL, runs="run exec",
    commands="create secret docker-registry generic tls login registry get apply patch repo add app"
    " cluster oci source bootstrap helm reconcile export reg cred logout",
    none="enable-oci insecure-skip-server-verification dry-run grpc-web plaintext sso insecure upsert core"
    " export",
    plain="n namespace docker-server url type project server tag tag-semver interval o context kubeconfig"
    " ca-file cert-file key-file provider",
    credential="docker-password password auth-token bearer-token ssh-private-key p",
    user="docker-username username docker-email", setting="from-literal set label",
    hidden="from-file from-env-file name service-account secret-ref tls-client-cert-data"
    " tls-client-cert-key-path",
    place=Positional.REFERENCE,
)  # fmt: skip
_VAULT: Final = client(
    TOOL,
    commands="kv get login read write put list token lookup create status",
    none="no-store no-print",
    plain="address namespace field format method mount path",
    place=Positional.HIDDEN,
    grouped=False,
)
_ANSIBLE: Final = client(
    TOOL,
    none="b K k vv vvv v C check become ask-become-pass",
    plain="i inventory m module-name l limit t tags f forks c",
    hidden="a args vault-id",
    setting="e extra-vars",
    user="u user",
    place=Positional.HIDDEN,
)
_HTPASSWD: Final = client(none="c n m B 2 5 d s p b i D v", plain="C r", place=Positional.SECRET)
_JFROG: Final = client(
    TOOL,
    commands="rt config c add docker-login docker-push docker-pull docker dp dpl ping login export import",
    plain="url artifactory-url server-id build-name build-number",
    none="interactive overwrite",
    credential="access-token apikey password ssh-passphrase",
    user="user",
)
_BY_NAME: Final = client(
    TOOL,
    commands="login logout pull push auth release list",
    place=Positional.REFERENCE,
    none="stdin stdin-password",
)

_ENV: Final = client(none="i ignore-environment 0 null v debug -", plain="C chdir", hidden="u unset", starts=0)
_SUDO: Final = client(
    none="E n S H i s k b A preserve-env non-interactive stdin", hidden="u user g group p prompt h host C D", starts=0
)
_WRAPPER: Final = client(none="p l c v q", hidden="a f o n i k s u e t m r d g", starts=0)
_TIMEOUT: Final = client(none="v foreground preserve-status verbose", plain="k kill-after s signal", starts=1)
_XARGS: Final = client(none="0 r t p x o no-run-if-empty", plain="n P L I s d", starts=0)

PROGRAMS: Final[Mapping[str, ClientGrammar]] = {
    **REGISTRY_CLIENTS,
    "curl": _CURL,
    "wget": _WGET,
    **dict.fromkeys(("http", "https", "xh", "xhs"), _HTTPIE),
    "git": _GIT,
    **dict.fromkeys(("aws", "gcloud", "az", "ibmcloud"), _CLOUD),
    **dict.fromkeys(("kubectl", "oc", "flux", "argocd", "k3s", "microk8s"), _KUBERNETES),
    **dict.fromkeys(("vault", "bao"), _VAULT),
    **dict.fromkeys(("ansible", "ansible-playbook"), _ANSIBLE),
    "htpasswd": _HTPASSWD,
    **dict.fromkeys(("jf", "jfrog"), _JFROG),
    **dict.fromkeys(("gh", "glab", "doctl", "hub-tool"), _BY_NAME),
    "env": _ENV,
    **dict.fromkeys(("sudo", "doas"), _SUDO),
    **dict.fromkeys(("nice", "nohup", "exec", "command", "stdbuf", "setsid", "builtin", "ionice", "time"), _WRAPPER),
    "timeout": _TIMEOUT,
    "xargs": _XARGS,
}  # fmt: skip
"""By the program's name."""


def program(name: str) -> ClientGrammar:
    """The grammar of the program called `name`, a name without a folder."""
    return PROGRAMS.get(name.lower().removesuffix(".exe"), UNKNOWN)


SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"})
PRINTERS: Final = frozenset({"echo", "printf", "print"})
"""What they print may be a secret for the next program."""
DECLARING: Final = frozenset({"export", "declare", "typeset", "local", "readonly", "set", "alias"})
"""Their arguments are assignments."""
_OTHERS = frozenset(
    {
        ":", "[", "awk", "base64", "buildkitd", "cat", "cd", "chmod", "chown", "containerd", "cp", "cut",
        "date", "dirname",
        "dockerd", "eval", "exit", "false", "for", "go", "grep", "head", "hostname", "id", "java", "jq", "kill", "ls",
        "make", "mkdir", "mktemp", "mv", "node", "npm", "npx", "openssl", "perl", "pip", "pipx", "pwd",
        "python", "python3",
        "read", "return", "rm", "ruby", "sed", "seq", "shift", "sleep", "sort", "source", "ssh", "su", "tail",
        "tar", "tee",
        "test", "touch", "tr", "trap", "true", "uname", "uniq", "unset", "wait", "watch", "wc", "which", "whoami",
        "yes", "yq",
    }
)  # fmt: skip


def is_known(name: str) -> bool:
    """Whether a program of this name is common enough to be shown wherever it stands."""
    return name in PROGRAMS or name in _OTHERS or name in SHELLS | PRINTERS | DECLARING
