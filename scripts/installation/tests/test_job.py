import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from installation.program import REPOSITORY


class JobTests(unittest.TestCase):
    def test_a_signal_when_the_training_has_ended_is_no_failure(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for program, script in (("hat", "exit 75"), ("scontrol", "kill -USR1 $PPID")):
                (folder / program).write_text(f"#!/bin/sh\n{script}\n")
                (folder / program).chmod(0o755)
            environment = {
                **os.environ,
                **{"PATH": f"{folder}:{os.environ['PATH']}", "PROGRAM": str(folder / "hat")},
                **{"SLURM_NTASKS": "2", "SLURM_JOB_ID": "1"},
            }
            job = subprocess.run(["bash", REPOSITORY / "scripts/slurm.sbatch"], env=environment, timeout=20)
        self.assertEqual(job.returncode, 75)
