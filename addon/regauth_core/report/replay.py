"""What a report says about playing its registry once more."""

from __future__ import annotations

import re
from typing import Final

from regauth_core.model.journal import Journal
from regauth_core.report.text import visible

_LOGIN = re.compile(r"Log in as (\S{1,100}) with the password (\S{1,100})\.")
MOST: Final = 12_000
"""Characters of a scenario that a report to be pasted carries."""


def command(journal: Journal, report: str) -> str:
    """The command line that runs the client against the registry in the file `report`."""
    client = journal.environment.command or "CLIENT AND ITS ARGUMENTS"
    login = next((match for line in journal.scenario if (match := _LOGIN.search(line))), None)
    if login is not None:
        client = client.replace("$REG_USER", login[1]).replace("$REG_PASS", login[2])
    return visible(f"regauth run --scenario {report} -- {client}", 2000)


def summary(journal: Journal) -> str:
    """What is folded."""
    return f"The registry as a scenario ({len(journal.scenario)} lines)"


def remark(journal: Journal) -> str:
    """How the command is meant; empty where there is nothing to say."""
    login = next((line.removeprefix("# ") for line in journal.scenario if "Log in as " in line), "")
    return f"It needs neither the registry nor an account, and nothing leaves the machine. {login}".rstrip()


def fits(journal: Journal) -> bool:
    """Whether there is a scenario that can be pasted."""
    return 0 < sum(len(line) + 1 for line in journal.scenario) <= MOST
