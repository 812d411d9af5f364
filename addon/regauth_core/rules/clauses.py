"""The documents that rules are based on, and how to cite a clause of them."""

from __future__ import annotations

from regauth_core.model.finding import Reference

_DISTRIBUTION = "https://distribution.github.io/distribution/spec/"
_OCI = "https://github.com/opencontainers/distribution-spec/blob/main/spec.md"

_PAGES = {
    "token": ("distribution token specification", _DISTRIBUTION + "auth/token/"),
    "oauth": ("distribution OAuth2 token specification", _DISTRIBUTION + "auth/oauth/"),
    "scope": ("distribution scope specification", _DISTRIBUTION + "auth/scope/"),
    "jwt": ("distribution JWT specification", _DISTRIBUTION + "auth/jwt/"),
    "api": ("distribution API specification", _DISTRIBUTION + "api/"),
    "oci": ("OCI distribution specification", _OCI),
}


def rfc(number: int, section: str) -> Reference:
    """Section `section` (such as ``15.5.2``) of RFC `number`."""
    return Reference(f"RFC {number}", section, f"https://www.rfc-editor.org/rfc/rfc{number}#section-{section}")


def page(name: str, heading: str) -> Reference:
    """The part headed `heading` of one of the registry documents: token, oauth, scope, jwt, api or oci.

    Raises `KeyError` for another name.
    """
    document, url = _PAGES[name]
    anchor = "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")
    return Reference(document, heading, f"{url}#{anchor}")
