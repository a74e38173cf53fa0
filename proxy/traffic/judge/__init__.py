"""Is the new color worse than the old one? Pure statistics: counts come in, a verdict in words goes out.

What it rests on, and what it cannot see, is told in ``docs/judge.md``.
"""
