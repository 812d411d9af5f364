"""`regauth scenario`: a capture as a scenario that a person can read, change and keep."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TextIO

from regauth_core.edge.errors import UserError
from regauth_core.edge.files import reason, write_private
from regauth_core.edge.scenarios import captured_scenario, carried_scenario
from regauth_core.simulate.reproduction.description import missing

_IDENTIFIER = re.compile("[a-z0-9]+(-[a-z0-9]+)*")


def scenario(path: Path, output: Path | None, *, anonymize: frozenset[str], out: TextIO, errors: TextIO) -> int:
    """Write the scenario of the capture or report in the file `path` to `output`, or else to `out`; 0.

    What cannot be expressed is listed on `errors`, a line each. Raises `UserError` where there is no scenario, or
    `output` cannot be one.
    """
    if output is not None and (output.suffix not in (".yaml", ".yml") or not _IDENTIFIER.fullmatch(output.stem)):
        raise UserError(f"scenario: -o: {output}: expected lower-case words and hyphens, as in open-ping.yaml")
    name = output.stem if output is not None else "captured"
    text = carried_scenario(path)
    lines: list[str] = []
    if text is None:
        text, derivation = captured_scenario(path, name=name, anonymize=anonymize)
        lines = missing(derivation)
    elif anonymize:
        raise UserError(f"scenario: --anonymize: {path} is a report; use the trace it was made of")
    else:
        # Its own name is the report's word for it; a file is called as its scenario is.
        text = re.sub(r"(?m)^id: captured$", f"id: {name}", text.lstrip("\n"), count=1)
    if output is None:
        out.write(text)
    else:
        try:
            write_private(output, text)
        except OSError as error:
            raise UserError(f"{output}: could not be written: {reason(error)}") from None
    for line in lines:
        print(f"regauth: not expressed: {line}", file=errors)
    return 0
