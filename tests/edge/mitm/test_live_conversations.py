"""Every recorded conversation gives the live addon the findings that it gives the core."""

from __future__ import annotations

import asyncio

import pytest
from mitmproxy.test import taddons

from kit.notation import Talk, conversations
from kit.saved import flow_of
from regauth_core.edge.mitm.addon import RegAuth
from regauth_core.model.finding import Diagnosis
from regauth_core.model.journal import Ending, Journal
from regauth_core.recording.traffic import is_token_form

TALKS = conversations()


def is_recorded_live(talk: Talk) -> bool:
    """Whether the addon sees all of it: not a token request whose form alone tells what it is, before any challenge."""
    opening = next((w for w in talk.wires if w.path.startswith("/v2/")), None)
    early = [w for w in talk.wires if opening is None or w.started < opening.started]
    return talk.ending in (Ending.GONE, Ending.CLEAN) and not any(is_token_form(w.request_body) for w in early)


async def recorded(talk: Talk) -> Journal:
    """What the addon made of the talk's flows, each of which passed all hooks."""
    addon = RegAuth(embedded=True, credentials_known=talk.known)
    with taddons.context(addon) as context:
        context.configure(addon, regauth_quiet_time=f"{talk.quiet:g}")
        addon.running()
        for wire in talk.wires:
            flow = flow_of(wire)
            flow.live = True
            await addon.requestheaders(flow)
            addon.request(flow)
            if flow.response is not None:
                addon.responseheaders(flow)
                await addon.response(flow)
            elif flow.error is not None:
                addon.error(flow)
        journal = addon.finish(status=0)
        addon.done()
    return journal


PERSONAL = [talk for talk in TALKS if is_recorded_live(talk) and not any(w.process for w in talk.wires)]


@pytest.mark.parametrize("talk", PERSONAL, ids=lambda talk: talk.name)
def test_live_addon_gives_the_same_findings(talk: Talk) -> None:
    """Rule, severity, fault, cause, registry and repository are the core's."""

    def told(found: Diagnosis) -> list[tuple[object, ...]]:
        return [(f.rule, f.severity, f.fault, f.cause, f.client, f.registry, f.repository) for f in found.findings]

    assert told(asyncio.run(recorded(talk)).diagnosis) == told(talk.diagnosis())
