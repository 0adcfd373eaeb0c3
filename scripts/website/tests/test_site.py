import contextlib
import errno
import io
import json
import os
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from website.command import main
from website.guides import guides
from website.links import faults
from website.symbols import MODULES


class SiteTests(unittest.TestCase):
    """The whole site, from the release build that tests run on."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def make(self, output: Path, *options: str) -> tuple[int, str]:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            code = main(["--output", str(output), *options])
        return code, said.getvalue()

    def test_the_site_has_every_guide_and_module(self) -> None:
        site = self.folder / "site"
        self.assertEqual(self.make(site), (0, ""))
        for name in guides().values():
            self.assertTrue((site / f"documentation/guides/{name}/index.html").is_file(), name)
        for module in MODULES:
            self.assertTrue((site / f"documentation/{module.lower()}/index.html").is_file(), module)
        self.assertIn("documentation/guides/", (site / "index.html").read_text())

    def test_a_folder_that_is_no_site_stays(self) -> None:
        (self.folder / "mine").write_text("mine")
        code, said = self.make(self.folder)
        self.assertEqual(code, 73)
        self.assertIn("is no site", said)
        self.assertEqual((self.folder / "mine").read_text(), "mine")

    def test_so_does_one_that_has_a_file_as_sites_have_it(self) -> None:
        (self.folder / "metadata.json").write_text("mine")
        self.assertEqual(self.make(self.folder)[0], 73)
        self.assertEqual((self.folder / "metadata.json").read_text(), "mine")

    def test_a_site_that_cannot_take_its_place_leaves_the_one_that_was_there(self) -> None:
        new, output, mine = self.folder / "new", self.folder / "site", self.folder / "site.partial"
        for site in (new, output):
            (site / "documentation/guides").mkdir(parents=True)
            (site / "metadata.json").write_text(site.name)
        mine.mkdir()
        rename = Path.rename

        def fails_for_the_new(path: Path, target: Path) -> Path:
            if path.name in ("new", "site.partial"):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return rename(path, target)

        with patch("website.command._built", return_value=new), patch.object(Path, "rename", fails_for_the_new):
            self.assertEqual(self.make(output)[0], 73)
        self.assertEqual((output / "metadata.json").read_text(), "site")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["new", "site", "site.partial"])

    def test_a_full_disk_leaves_the_site_that_was_there(self) -> None:
        new, output = self.folder / "new", self.folder / "site"
        for site in (new, output):
            (site / "documentation/guides").mkdir(parents=True)
            (site / "metadata.json").write_text(site.name)
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with patch("website.command._built", return_value=new):
            with patch("shutil.copytree", side_effect=full):
                code, said = self.make(output)
            self.assertEqual(code, 73)
            self.assertIn("No space left", said)
            self.assertEqual((output / "metadata.json").read_text(), "site")
            self.assertEqual(self.make(output), (0, ""))
        self.assertEqual((output / "metadata.json").read_text(), "new")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["new", "site"])


class LinkTests(unittest.TestCase):
    def test_links_that_lead_nowhere_are_found(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            site = Path(name)
            pages = site / "data/documentation"
            pages.mkdir(parents=True)
            urls = ("/documentation/b", "/documentation/b#There", "/documentation/b#gone", "/documentation/c", "README.md")
            references = {url: {"url": url} for url in (*urls, "https://arxiv.org/abs/2501.10322")}
            references["picture"] = {"variants": [{"url": "/images/gone.svg"}]}
            (pages / "a.json").write_text(json.dumps({"references": references}))
            (pages / "b.json").write_text(json.dumps({"sections": [{"anchor": "There"}]}))
            self.assertEqual(
                [fault.split(": ")[1] for fault in faults(site)],
                ["/documentation/b#gone", "/documentation/c", "/images/gone.svg", "README.md"],
            )
