"""mitmproxy in a thread of this process, for `run` and `demo`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Final

from mitmproxy import ctx
from mitmproxy.options import Options
from mitmproxy.tools.dump import DumpMaster

from regauth_core.edge.errors import UserError

_PATIENCE: Final = 20.0
"""Seconds that starting and stopping may take before it is called failed."""


class _Ready:
    """Tells the other thread the port as soon as the proxy listens."""

    name = "regauth-ready"

    def __init__(self) -> None:
        self.port: int | None = None
        self.event = threading.Event()

    def running(self) -> None:
        addresses = ctx.master.addons.get("proxyserver").listen_addrs()
        if addresses:
            self.port = addresses[0][1]
            self.event.set()


class BackgroundProxy:
    """A forward proxy on a free loopback port, in a thread. mitmproxy's state is global: one at a time per process."""

    def __init__(
        self,
        addon: object,
        confdir: Path,
        options: Mapping[str, str | bool | Sequence[str]],
        *,
        first: object | None = None,
        others: Sequence[object] = (),
    ) -> None:
        """`options` are set after `addon` has declared its own.

        `first` is an addon before all of mitmproxy's, `others` stand behind those, before `addon`.
        """
        self._addon = addon
        self._first = first
        self._others = tuple(others)
        self._options = Options(listen_host="127.0.0.1", listen_port=0, confdir=str(confdir))
        self._deferred = dict(options)
        self._ready = _Ready()
        self._master: DumpMaster | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="regauth-proxy", daemon=True)

    def start(self) -> int:
        """Start it; the port it listens on. Raises `UserError`."""
        self._thread.start()
        waited = 0.0
        while not self._ready.event.wait(0.05):
            waited += 0.05
            if not self._thread.is_alive() or waited > _PATIENCE:
                raise UserError(f"the proxy did not start: {self._failure or 'no reason was given'}")
        assert self._ready.port is not None  # noqa: S101  (for the type checker: the event says so)
        return self._ready.port

    def perform(self, work: Coroutine[None, None, None], seconds: float) -> None:
        """Do `work` on the proxy's loop and wait for it, `seconds` at most."""
        if self._loop is None or not self._thread.is_alive():
            work.close()
            return
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        with contextlib.suppress(TimeoutError, FutureTimeoutError):
            future.result(seconds)
        future.cancel()

    def stop(self) -> None:
        """Stop it and wait until it has."""
        if self._master is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # its loop has just ended by itself
                self._master.shutdown()
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        with _messages() as messages:
            try:
                asyncio.run(self._serve())
            except SystemExit:
                pass  # mitmproxy's way to end when something was wrong at the start; the reason was logged
            except Exception as error:  # whatever it is belongs to the thread that waits
                messages.append(type(error).__name__)
            self._failure = next(iter(messages), None)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._master = master = DumpMaster(self._options, with_termlog=False, with_dumper=False)
        if self._first is not None:
            master.addons.chain.insert(0, master.addons.register(self._first))
        master.addons.add(*self._others, self._addon, self._ready)
        self._options.update(**self._deferred)
        await master.run()


@contextlib.contextmanager
def _messages() -> Iterator[list[str]]:
    """Collects what mitmproxy logs as errors, and keeps it off the terminal of the command that is run."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR and len(messages) < 100:
                messages.append(record.getMessage().partition("\n")[0])

    root, collector = logging.getLogger(), Collector()
    root.addHandler(collector)
    try:
        yield messages
    finally:
        root.removeHandler(collector)
