"""What a file says of where it was recorded: believed only as far as regauth itself would have written it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from regauth_core.model.journal import Environment

UNKNOWN: Final = "of an unknown version"

# PEP 440 and semantic versions, as short as they are in practice.
_VERSION = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5}){1,3}(?:[.+\-]?[a-z0-9]{1,12}){0,3}")
_PLATFORM = re.compile(r"[A-Za-z0-9]{1,20} [A-Za-z0-9_]{1,20}")


def understood(one: Environment) -> Environment:
    """`one` without versions and a platform that are none: anybody may have written the file.

    The client's own words in it, such as its version, stay what they are: text, which every report escapes.
    """
    return replace(
        one,
        regauth=one.regauth if _VERSION.fullmatch(one.regauth) else UNKNOWN,
        mitmproxy=one.mitmproxy if one.mitmproxy is not None and _VERSION.fullmatch(one.mitmproxy) else None,
        platform=one.platform if one.platform is not None and _PLATFORM.fullmatch(one.platform) else None,
    )
