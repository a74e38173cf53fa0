from __future__ import annotations

import pytest

from proxy.config import Role


def test_roles_are_ordered_by_what_they_may_do() -> None:
    """viewer < operator < admin, and each includes itself."""
    assert sorted([Role.ADMIN, Role.VIEWER, Role.OPERATOR]) == [Role.VIEWER, Role.OPERATOR, Role.ADMIN]
    assert Role.OPERATOR >= Role.OPERATOR
    assert not Role.VIEWER >= Role.OPERATOR


def test_a_role_is_not_compared_with_text() -> None:
    """Comparing with a bare word is a mistake in the program, and says so."""
    with pytest.raises(TypeError):
        assert Role.ADMIN > "viewer"


def test_a_role_is_found_by_its_word() -> None:
    """The words of the config are the values."""
    assert Role("operator") is Role.OPERATOR
