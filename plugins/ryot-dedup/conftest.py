"""Lets the test import the plugin from this folder, installed or not."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
