"""Who is green: every user has one fixed place among all of them, and the split says up to which place green reaches.

A place is a number from 0 to 9,999. A user is on green while it is below green's share in hundredths of a percent. So
whoever is on green stays there while the share grows, and all come back when it falls to nothing.
"""

from __future__ import annotations

from hashlib import blake2b


def service_key(secret: str, service: str) -> str:
    """The key of one service, as hexadecimal digits: what is made with it means nothing to another service."""
    return blake2b(service.encode(), key=bytes.fromhex(secret), digest_size=16).hexdigest()
