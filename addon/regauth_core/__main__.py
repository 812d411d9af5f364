"""``python -m regauth_core`` is the command ``regauth``."""

import sys

from regauth_core.cli import main

sys.exit(main())
