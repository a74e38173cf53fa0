"""Has servers updated: by a program that is run here, or by a webhook; and learns what version they run."""
