"""A program that prints one job and kills itself as `kill -9` does, at a named point.

`python -m tests.integration.hardware.doomed_spooler SPOOL ADDRESS JOB POINT NTH`: at the NTH time
that it reaches POINT. With the point `never` it ends by itself when the job has ended.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from hardware.escpos import Spool, Spooler, make_printer
from hardware.escpos.spooler import Point
from tests.integration.hardware.jobs import QUICK, payload


def main() -> None:
    spool_path, address, job_id, fatal, nth = sys.argv[1:]
    left = int(nth)

    def reached(point: Point) -> None:
        nonlocal left
        if point == fatal:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    with Spool(Path(spool_path)) as spool:
        printer = make_printer(address, timings=QUICK)
        with Spooler(spool, "till", printer, reached=reached) as spooler:
            spooler.submit(job_id, payload(job_id), title=f"Receipt {job_id}")
            spooler.wait(job_id, 20.0)


if __name__ == "__main__":
    main()
