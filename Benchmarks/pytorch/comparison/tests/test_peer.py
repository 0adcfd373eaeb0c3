"""A process of the peer that dies takes the others along, and the other modes are measured all the same."""

from __future__ import annotations

import os
import tempfile
import time
import unittest
from pathlib import Path

from comparison.failure import ModeFailure
from comparison.peer import Peer, Run
from comparison.variants import LAYOUTS, MODES


@unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "it needs two cores")
class PeerTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def peer(self, script: str) -> Peer:
        """Both processes run the script in place of Python."""
        python = self.folder / "python"
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        nothing = self.folder / "nothing"
        return Peer(Run(nothing, nothing, nothing), MODES["plain"], LAYOUTS["ddp"], self.folder, str(python))

    def test_one_that_dies_at_the_start_leaves_none_behind(self) -> None:
        peer = self.peer('case "$*" in *"--rank 1 "*) echo out of memory >&2; exit 1;; esac\necho "{}"\nexec sleep 60')
        start = time.monotonic()
        with self.assertRaisesRegex(ModeFailure, "out of memory"), peer:
            self.fail("it cannot have begun")
        self.assertLess(time.monotonic() - start, 10)
        self.assertTrue(all(process.returncode is not None for process in peer.processes))

    def test_one_that_died_since_is_a_failure_of_the_mode(self) -> None:
        with self.assertRaisesRegex(ModeFailure, "of the peer died"), self.peer('echo "{}"') as peer:
            for process in peer.processes:
                process.wait()
            peer.gradient(1)
