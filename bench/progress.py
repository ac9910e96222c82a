"""How far a program is, for the program that started it: lines "DONE of TOTAL WHAT" in the file that
PROGRESS names, or on standard error with how long is left."""

import os
import sys
import time


class Progress:
    """Says at most every ten seconds how much is done, and always at the end."""

    def __init__(self, who):
        self.who, self.start, self.said = who, time.monotonic(), time.monotonic()
        self.path = os.environ.get("PROGRESS")

    def say(self, done, total, what):
        now = time.monotonic()
        if now - self.said < 10 and done != total:
            return
        self.said = now
        if self.path:
            with open(self.path, "a") as f:
                print(f"{done:g} of {total:g} {what}", file=f)
        else:
            left = (now - self.start) / done * (total - done) if done else 0
            print(f"{self.who}: {done:g} of {total:g} {what}, about {left:.0f} s left", file=sys.stderr)
