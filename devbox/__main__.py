"""`python -m devbox` is `devbox`."""

import sys

from devbox.cli.main import main

sys.exit(main())
