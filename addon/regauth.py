"""The door for mitmproxy: ``mitmdump -s addon/regauth.py``, and the same with ``mitmproxy`` and ``mitmweb``.

As a program, ``python -m regauth``, it is the command ``regauth``.
"""

import importlib.util
import logging
import sys

if __name__ == "__main__":
    from regauth_core.cli import main

    sys.exit(main())

# mitmproxy executes only this file again when it changes; without this the rest would stay as it was.
for name in [name for name in sys.modules if name == "regauth_core" or name.startswith("regauth_core.")]:
    del sys.modules[name]

needed = {"brotli": "brotli", "msgspec": "msgspec", "publicsuffixlist": "publicsuffixlist", "rich": "rich"}
needed |= {"yaml": "pyyaml", "zstandard": "zstandard"}
missing = [package for module, package in needed.items() if importlib.util.find_spec(module) is None]

addons = []
if missing:
    # mitmproxy ends at its start for a logged error, and shows no traceback with it.
    logging.getLogger(__name__).error(
        f"regauth: the Python environment of mitmproxy lacks {', '.join(missing)}; install with: "
        f"{sys.executable} -m pip install {' '.join(missing)} (or: pipx inject mitmproxy {' '.join(missing)})"
    )
else:
    from regauth_core.edge.mitm.addon import RegAuth  # only now may it be imported

    addons.append(RegAuth())
