"""``PYTHONPATH=script python3 -m network``, which is what ``script/install --network`` does."""

import sys

from network.talk import main

sys.exit(main())
