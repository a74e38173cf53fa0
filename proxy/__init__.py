"""bluegreen: the front door that replaces a running application without one user noticing."""

__version__ = "0.1.0"
