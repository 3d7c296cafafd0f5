"""unittest.main() for tests that may lack something on a machine: exits with 77, which CTest reports as
skipped, when a case was skipped and none failed."""
import sys
import unittest


def main():
    result = unittest.main(exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    for case, reason in result.skipped:
        print(f"SKIPPED: {case.id()}: {reason}")
    sys.exit(77 if result.skipped else 0)
