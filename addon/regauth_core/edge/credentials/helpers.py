"""Asks credential helpers: programs called ``docker-credential-NAME`` that keep passwords.

docker-credential-helpers, ``credentials/credentials.go``: ``get`` reads a server's address from standard input.
A helper may open a dialogue, wait for a network, or be broken. It costs its time limit and a clear line, no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from regauth_core.bounded import Bounded
from regauth_core.credentials.login_parsing import MAX_OUTPUT, helper_answer
from regauth_core.credentials.lookup import HELPER_NAME, HelperAnswer
from regauth_core.edge.files import reason

SECONDS: Final = 10.0
"""How long a helper may take."""
FRESH: Final = 60.0
"""Seconds for which what a helper said holds, and for which one that hung is left alone."""

_REMEMBERED: Final = 1024
_END: Final = 1.0
"""Seconds for a killed process to be gone."""


class Helpers:
    """The helpers that `environment` finds; each is asked one thing at a time. For one event loop."""

    def __init__(self, environment: Mapping[str, str], *, clock: Callable[[], float], seconds: float = SECONDS) -> None:
        self._environment = dict(environment)
        self._clock = clock
        self._seconds = seconds
        self._turns: dict[str, asyncio.Lock] = {}
        self._known: Bounded[tuple[str, str], tuple[float, HelperAnswer]] = Bounded(_REMEMBERED)
        self._hung: dict[str, float] = {}

    async def ask(self, name: str, server: str) -> HelperAnswer:
        """What the helper called `name` knows of `server`. Never raises."""
        if not HELPER_NAME.fullmatch(name):
            return HelperAnswer(failure="not run: invalid helper name")
        async with self._turns.setdefault(name, asyncio.Lock()):
            known = self._known.get((name, server))
            if known is not None and self._clock() < known[0]:
                return known[1]
            if self._clock() < self._hung.get(name, 0.0):
                return HelperAnswer(failure="did not answer a moment ago; it is not asked again for a minute")
            answer = await self._run(name, server)
            self._known[name, server] = (self._clock() + FRESH, answer)
            return answer

    async def _run(self, name: str, server: str) -> HelperAnswer:
        program = shutil.which(f"docker-credential-{name}", path=self._environment.get("PATH", os.defpath))
        if program is None:
            return HelperAnswer(failure="is not installed: not found in PATH")
        if not Path(program).is_absolute():
            # Whatever lies in the directory that one happens to be in; Go refuses it too.
            return HelperAnswer(failure="not run: it was found only in a relative directory of PATH")
        try:
            process = await _started(program, self._environment)
        except (OSError, ValueError) as error:
            why = reason(error) if isinstance(error, OSError) else "its environment is not valid"
            return HelperAnswer(failure=f"cannot be started: {why}")
        try:
            async with asyncio.timeout(self._seconds):
                output = await _said(process, server)
                if len(output) <= MAX_OUTPUT:
                    await process.wait()
        except TimeoutError:
            self._hung[name] = self._clock() + FRESH
            return HelperAnswer(failure=f"did not answer within {self._seconds:g} seconds")
        finally:
            await _ended(process)
        return helper_answer(process.returncode or 0, output)


async def _started(program: str, environment: Mapping[str, str]) -> Process:
    """The running helper. Raises `OSError`."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=environment,
            start_new_session=True,  # so that whatever it starts ends with it
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Half started it would be nobody's.
        await _ended(await starting)
        raise


async def _said(process: Process, server: str) -> bytes:
    """All that the helper prints, or one byte more than is looked at."""
    if process.stdin is None or process.stdout is None:
        return b""
    with contextlib.suppress(OSError):  # it may have ended without reading
        process.stdin.write(server.encode("utf-8", "replace"))
        await process.stdin.drain()
    process.stdin.close()
    output = b""
    while len(output) <= MAX_OUTPUT and (piece := await process.stdout.read(MAX_OUTPUT + 1 - len(output))):
        output += piece
    return output


async def _ended(process: Process) -> None:
    """Make sure that nothing of the helper is left."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END):
                await process.wait()
    # What has left the helper's session may hold the other ends of its pipes open; ours are closed by nobody else.
    transport: asyncio.SubprocessTransport | None = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
