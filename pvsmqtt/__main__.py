"""``python -m pvsmqtt``."""

import sys

from pvsmqtt.cli import main

sys.exit(main())
