"""The door for mitmproxy: ``mitmdump -s addon/regauth.py``, and the same with ``mitmproxy`` and ``mitmweb``."""

import sys

# mitmproxy executes only this file again when it changes; without this the rest would stay as it was.
for name in [name for name in sys.modules if name == "regauth_core" or name.startswith("regauth_core.")]:
    del sys.modules[name]

from regauth_core.edge.mitm.addon import RegAuth  # noqa: E402  (only now may it be imported)

addons = [RegAuth()]
