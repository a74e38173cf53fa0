"""What holds for every test."""

from __future__ import annotations

import os

import hypothesis

# No deadline: how long one example takes says more about the machine than about the code.
# In CI the examples are the same every time, so that a red run is red again when it is looked into.
hypothesis.settings.register_profile("bluegreen", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis.settings.load_profile("bluegreen")
