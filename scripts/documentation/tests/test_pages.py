import unittest

from documentation.pages import REPOSITORY, faults, files


class PageTests(unittest.TestCase):
    def test_whatever_a_file_refers_to_is_in_the_repository(self) -> None:
        found = [fault for file in files() for fault in faults(file)]
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_the_readme_leads_to_every_page(self) -> None:
        text = (REPOSITORY / "README.md").read_text()
        pages = [path.name for path in (REPOSITORY / "docs").glob("*.md")]
        self.assertEqual([name for name in pages if f"docs/{name}" not in text], [])
