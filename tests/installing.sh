# What the install scripts of the tests share. To be sourced by a script that has `set -euo pipefail`.
# shellcheck shell=bash

# Where everything goes that is not Debian's: .clients in the repository, or the directory REGAUTH_CLIENTS.
clients=${REGAUTH_CLIENTS:-$(dirname "${BASH_SOURCE[0]}")/../.clients}
mkdir -p "$clients/bin"
clients=$(cd "$clients" && pwd)
echo '*' >"$clients/.gitignore"

failed=0

# Print one line of the summary: NAME, then the first line of what COMMAND says its version is.
report() {
  local name=$1 version
  shift
  if version=$("$@" 2>&1); then
    printf '%-25s %s\n' "$name" "${version%%$'\n'*}"
  else
    printf '%-25s NOT INSTALLED\n' "$name"
    failed=1
  fi
}

debian_has() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

install_debian() {
  local package missing=()
  for package in "$@"; do
    debian_has "$package" || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0

  # With an init system the packages would start their daemons; the tests start their own.
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || true
  for package in "${missing[@]}"; do # one by one: one that fails must not take the others along
    apt-get install -qq --yes --no-install-recommends "$package" >/dev/null || true
  done
}

# Print the version of MODULE in the Go program NAME; fail if it is not VERSION.
go_has() {
  go version -m "$clients/bin/$1" 2>/dev/null |
    awk -v module="$2" -v wanted="$3" '
      $2 == module && $1 ~ /^(mod|dep)$/ { print $3; found = $3 == wanted }
      END { exit !found }'
}

# Print the version of MODULE that the go.mod in DIRECTORY names.
required() {
  awk -v module="$2" '{ sub(/^require /, "") } $1 == module { print $2 }' "$1/go.mod"
}

# Build PACKAGE, which the Go module in DIRECTORY requires or is, as the program NAME.
build_go() {
  CGO_ENABLED=0 GOFLAGS='-trimpath -buildvcs=false' go build -C "$2" -ldflags='-s -w' -o "$clients/bin/$1" "$3" || true
}
