"""`python -m cloudtrail_to_delta`: the console command, also where no script is installed."""

import sys

from cloudtrail_to_delta.console import main

sys.exit(main())
