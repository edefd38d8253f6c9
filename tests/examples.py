"""How many examples random tests try: a third by default, all with TEST_LONG=full. Each run draws others."""

import os


def examples(whole: int) -> int:
    return whole if os.environ.get("TEST_LONG") == "full" else max(5, whole // 3)
