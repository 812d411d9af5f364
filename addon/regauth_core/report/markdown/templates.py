"""Which headings a project's issue form has, in which order, and what of a report goes below each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Part(StrEnum):
    """A part of the Markdown report."""

    DESCRIPTION = "description"
    """Left to the human."""
    REPRODUCE = "reproduce"
    RECEIVED = "received"
    EXPECTED = "expected"
    VERSION = "version"
    ENVIRONMENT = "environment"
    DETAILS = "details"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what goes below it: parts of the report, and what the human is asked to fill in."""

    heading: str
    parts: tuple[Part, ...] = ()
    ask: str = ""


Template = tuple[Section, ...]

PLAIN: Final[Template] = (
    Section("Description", (Part.DESCRIPTION,)),
    Section("Steps to reproduce", (Part.REPRODUCE,)),
    Section("Received", (Part.RECEIVED,)),
    Section("Expected", (Part.EXPECTED,)),
    Section("Environment", (Part.VERSION, Part.ENVIRONMENT)),
    Section("Details", (Part.DETAILS,)),
)

_PODMAN: Template = (
    Section("Issue Description", (Part.DESCRIPTION,)),
    Section("Steps to reproduce the issue", (Part.REPRODUCE,)),
    Section("Describe the results you received", (Part.RECEIVED,)),
    Section("Describe the results you expected", (Part.EXPECTED,)),
    Section("podman info output", (Part.VERSION,), "the output of `podman info`"),
    Section("Podman in a container", (), "yes or no"),
    Section("Privileged Or Rootless", (), "privileged or rootless"),
    Section("Upstream Latest Release", (), "whether the latest release does the same"),
    Section("Additional environment details", (Part.ENVIRONMENT,)),
    Section("Additional information", (Part.DETAILS,)),
)

_SKOPEO: Template = (
    *PLAIN[:4],
    Section("Version", (Part.VERSION,), "whether the latest release does the same"),
    Section("Environment", (Part.ENVIRONMENT,)),
    Section("Details", (Part.DETAILS,)),
)

_DOCKER: Template = (
    Section("Description", (Part.DESCRIPTION, Part.RECEIVED)),
    Section("Reproduce", (Part.REPRODUCE,)),
    Section("Expected behavior", (Part.EXPECTED,)),
    Section("docker version", (Part.VERSION,), "the output of `docker version`"),
    Section("docker info", (), "the output of `docker info`, which shows the image store"),
    Section("Additional Info", (Part.ENVIRONMENT, Part.DETAILS)),
)

TEMPLATES: Final[dict[str, Template]] = {
    "podman": _PODMAN,
    "skopeo": _SKOPEO,
    "moby": _DOCKER,
    "docker/cli": _DOCKER,
    "containerd": (
        Section("Description", (Part.DESCRIPTION,)),
        Section("Steps to reproduce the issue", (Part.REPRODUCE,)),
        Section("Describe the results you received and expected", (Part.RECEIVED, Part.EXPECTED)),
        Section("What version of containerd are you using?", (Part.VERSION,), "the output of `containerd --version`"),
        Section("Any other relevant information", (Part.ENVIRONMENT, Part.DETAILS), "`runc --version` and `uname -a`"),
        Section("Show configuration if it is related to CRI plugin.", (), "the registry part, without credentials"),
    ),
    "oras": (
        Section("What happened in your environment?", (Part.DESCRIPTION, Part.RECEIVED)),
        Section("What did you expect to happen?", (Part.EXPECTED,)),
        Section("How can we reproduce it?", (Part.REPRODUCE,)),
        Section("What is the version of your ORAS CLI?", (Part.VERSION,), "the output of `oras version`"),
        Section("What is your OS environment?", (Part.ENVIRONMENT,)),
        Section("Are you willing to submit PRs to fix it?", (), "yes or no"),
        Section("Details", (Part.DETAILS,)),
    ),
    "regclient": (
        Section("Current Behavior", (Part.DESCRIPTION, Part.RECEIVED)),
        Section("Expected Behavior", (Part.EXPECTED,)),
        Section("Steps To Reproduce", (Part.REPRODUCE,)),
        Section("Version", (Part.VERSION,), "the output of `regctl version`"),
        Section("Environment", (Part.ENVIRONMENT,), "binary or container, and which registry product it is"),
        Section("Anything else", (Part.DETAILS,)),
    ),
    "helm": (
        Section("What happened?", (Part.DESCRIPTION, Part.RECEIVED)),
        Section("What did you expect to happen?", (Part.EXPECTED,)),
        Section("How can we reproduce it (as minimally and precisely as possible)?", (Part.REPRODUCE,)),
        Section("Helm version", (Part.VERSION,), "the output of `helm version`"),
        Section("Kubernetes version", (), "the output of `kubectl version`, if a cluster takes part"),
        Section("Anything else we need to know?", (Part.ENVIRONMENT, Part.DETAILS)),
    ),
    "crane": (
        Section("Describe the bug", (Part.DESCRIPTION, Part.RECEIVED)),
        Section("To Reproduce", (Part.REPRODUCE,)),
        Section("Expected behavior", (Part.EXPECTED,)),
        Section(
            "Additional context",
            (Part.VERSION, Part.ENVIRONMENT, Part.DETAILS),
            "the output of `crane version`, and which registry product it is",
        ),
    ),
}
"""By the name of the project; each holds every part once."""


def template(name: str | None) -> Template:
    """The template called `name`; `None` is the plain one. `ValueError` for an unknown name, with the known ones."""
    if name is None:
        return PLAIN
    try:
        return TEMPLATES[name]
    except KeyError:
        raise ValueError(f"unknown template {name!r}: expected one of {', '.join(sorted(TEMPLATES))}") from None
