import tempfile
import unittest
from pathlib import Path

from website.guides import ROOT, article, guides


class ArticleTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.other = self.folder / "README.md"
        self.other.write_text("# The other\n\n## 5. Loss, and more\n")

    def converted(self, text: str) -> str:
        page = self.folder / "CHANGELOG.md"
        page.write_text(text)
        return article(page, {page: "page", self.other: "other"})

    def test_links_to_pages_become_references(self) -> None:
        self.assertEqual(self.converted("see [it](README.md)"), "see [it](doc:other)")
        self.assertEqual(
            self.converted("[it](README.md#5-loss-and-more)"), "[it](doc:other#5-Loss-and-more)"
        )
        self.assertEqual(self.converted("# A\n## The B\n[b](#the-b)"), "# A\n## The B\n[b](doc:page#The-B)")

    def test_links_to_other_sites_and_pictures_stay(self) -> None:
        for text in ("[paper](https://arxiv.org/abs/2501.10322)", "![curve](curve.svg)"):
            self.assertEqual(self.converted(text), text)

    def test_a_link_to_a_file_that_is_no_page_keeps_its_words(self) -> None:
        self.assertEqual(self.converted("[The script](../scripts/slurm.sbatch) is"), "The script is")

    def test_code_blocks_stay(self) -> None:
        text = "```\n[it](README.md)\n```"
        self.assertEqual(self.converted(text), text)


class LandingTests(unittest.TestCase):
    def test_the_landing_page_names_every_guide(self) -> None:
        landing = (ROOT / "scripts/website/landing.md").read_text()
        names = [name for page, name in guides().items() if page.parent.name != "experiments"]
        self.assertEqual([name for name in names if f"<doc:{name}>" not in landing], [])
