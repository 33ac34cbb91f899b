from __future__ import annotations

import pytest

pytest.register_assert_rewrite("diagnose.table")  # so that a failed row says by what
