"""The rules, in the order in which they explain a failure: an earlier one is the root cause of a later one."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from regauth_core.rules.base import Header, Rule

ROOT_CAUSES_FIRST = (
    "proxy_auth_required",
    "duplicate_authorization",
    "malformed_credentials",
    "authorization_too_large",
    "retry_without_body",
    "https_downgrade",
    "non_registry_response",
    "ping_unexpected_status",
    "realm_unreachable",
    "unusable_token_response",
    "invalid_token_request",
    "bearer_at_token_endpoint",
    "identity_token_misused",
    "oauth2_post_no_fallback",
    "missing_challenge",
    "malformed_challenge",
    "no_usable_challenge",
    "challenge_hidden_by_403",
    "rate_limited",
    "presigned_url_refused",
    "supported_challenge_skipped",
    "challenge_misparsed",
    "token_not_used",
    "wrong_scheme_sent",
    "empty_basic_credentials",
    "token_expired_mid_upload",
    "clock_skew",
    "expired_token_wrong_status",
    "expired_token_reused",
    "token_wrong_repository",
    "token_treated_as_anonymous",
    "challenge_scheme_switched",
    "challenge_scope_wrong",
    "challenge_scope_not_requested",
    "duplicate_scope",
    "scope_list_encoding",
    "mount_no_fallback",
    "scope_too_small",
    "unasked_scope_refused",
    "token_server_rejects_subset",
    "credentials_ignored_by_token_server",
    "token_scope_reduced",
    "fresh_token_refused",
    "credentials_rejected",
    "redirected_challenge_unanswered",
    "ping_401_treated_as_fatal",
    "credentials_required",
    "legacy_v1_fallback",
    "challenge_not_retried",
    "mirror_challenge_unanswered",
    "challenge_ignored",
    "refused_credential_repeated",
    "authorization_sent_cross_origin",
    "credentials_to_untrusted_realm",
    "credentials_over_http",
    "credentials_sent_to_wrong_host",
    "credentials_withheld",
    "relative_location_wrong_base",
    "non_digest_blob_path",
    "foreign_scope_requested",
    "token_shared_between_identities",
    "short_or_missing_expiry",
    "head_get_mismatch",
    "mount_scope_missing",
    "duplicate_token_exchange",
    "optional_challenge_not_used",
    "not_found_or_denied",
    "refused_unexplained",
)
"""Module names; one failed operation gets the first that fits. Those that stand alone may be anywhere."""


_SHARED = frozenset({"base", "clauses", "logins", "manual", "unexplained", "wording"})
"""Modules of this folder that are not rules."""


def loaded(module: ModuleType) -> Rule:
    """The rule in a module. Raises `ValueError` where a part of it is missing."""
    header, matches = getattr(module, "RULE", None), getattr(module, "matches", None)
    if not isinstance(header, Header) or not callable(matches) or not module.__doc__:
        raise ValueError(f"{module.__name__}: expected a docstring, RULE = Header(...) and a function `matches`")
    values = {field.name: getattr(header, field.name) for field in fields(Header)}
    return Rule(**values, matches=matches, manual=module.__doc__)


@lru_cache(1)
def all_rules() -> tuple[Rule, ...]:
    """Every rule, root causes first. Raises `ValueError` where the list above is not that of the files."""
    there = {module.name for module in iter_modules(__path__)} - _SHARED
    listed = set(ROOT_CAUSES_FIRST)
    if there != listed:
        raise ValueError(
            "ROOT_CAUSES_FIRST in rules/__init__.py: expected the names of the files; "
            f"listed and missing: {sorted(listed - there)}; there and not listed: {sorted(there - listed)}"
        )
    return tuple(loaded(import_module(f"{__name__}.{name}")) for name in ROOT_CAUSES_FIRST)


def rule(name: str) -> Rule | None:
    """The rule called `name`, such as ``challenge-ignored``."""
    return next((r for r in all_rules() if r.name == name), None)


@lru_cache(1)
def last() -> Rule:
    """The rule for what no other rule accounts for."""
    return next(r for r in all_rules() if r.is_last)


@lru_cache(8192)
def at_once(signs: int) -> tuple[Rule, ...]:
    """The rules to be asked when an exchange with these signs has come."""
    return tuple(r for r in all_rules() if r.at_once and r.signs & signs)


@lru_cache(8192)
def when_over(signs: int) -> tuple[Rule, ...]:
    """The rules to be asked when a conversation that showed these signs is over."""
    return tuple(r for r in all_rules() if not r.at_once and not r.is_last and r.signs & signs)
