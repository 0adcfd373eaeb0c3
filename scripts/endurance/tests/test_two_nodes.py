import os
import signal
import subprocess
import unittest

from reproduction.machine import ROOT

_SCRIPT = ROOT / "scripts/two-nodes"


class NameTests(unittest.TestCase):
    def test_a_name_in_use_is_refused_and_its_nodes_live_on(self) -> None:
        if subprocess.run([_SCRIPT, "true"], capture_output=True).returncode != 0:
            self.skipTest("network namespaces may not be made here")
        name = f"hat-name-{os.getpid()}"
        command = [_SCRIPT, "--name", name, "sh", "-c", "echo begun; exec sleep 30"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
            assert first.stdout
            self.assertEqual(first.stdout.readline(), "begun\n")
            second = subprocess.run([_SCRIPT, "--name", name, "true"], capture_output=True, text=True)
            self.assertEqual(second.returncode, 73)
            self.assertIn(f"{name}-1 already", second.stderr)
            self.assertIsNone(first.poll())
            first.terminate()
        self.assertEqual(first.returncode, 128 + signal.SIGTERM)
