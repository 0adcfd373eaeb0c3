import gzip
import shutil
import struct
import tempfile
import unittest
import zlib
from pathlib import Path

from corpus.document import tidy, unwrap
from corpus.extract.catalogue import sentences
from corpus.extract.code import SourceCode, source_text, stated_license
from corpus.extract.dictionary import DictdDatabase, Fortunes, article_text, gloss, jargon_articles, number
from corpus.extract.gather import LEAST, gather
from corpus.extract.html import page_text
from corpus.extract.manual import page_text as manual_text
from corpus.extract.plain import SHORTEST_CHAPTER, chapters, decode
from corpus.extract.rdata import unpack_record
from corpus.extract.sword import osis_text
from corpus.extract.translated import is_english, is_latin
from corpus.tests.support import has_library

_needs_lxml = unittest.skipUnless(has_library("lxml"), "lxml is not there before a first corpus")
_needs_groff = unittest.skipUnless(shutil.which("groff"), "groff is not installed")


class TextTests(unittest.TestCase):
    def test_tidies_line_ends_spaces_and_composition(self) -> None:
        self.assertEqual(tidy("\ufeffa\r\nb \t\n\n\n\nu\u0308\x00\n"), "a\nb\n\n\u00fc")

    def test_keeps_indentation_and_form_of_the_first_line(self) -> None:
        self.assertEqual(tidy("\n  verse\nline"), "  verse\nline")

    def test_unwraps_paragraphs_but_not_indented_lines(self) -> None:
        self.assertEqual(unwrap("one\ntwo\n\n  verse\n  more\n\nlast"), "one two\n\n  verse\n  more\n\nlast")

    def test_cuts_chapters_and_joins_short_pieces(self) -> None:
        body = "x" * SHORTEST_CHAPTER
        text = f"Title\nCHAPTER 1\n{body}\nCHAPTER 2\n{body}\nCHAPTER 3\nshort"
        found = chapters(text, r"^CHAPTER \d+$")
        self.assertEqual("".join(found), text)
        self.assertEqual([piece[:9] for piece in found], ["Title\nCHA", "CHAPTER 2"])

    def test_old_files_are_latin_1(self) -> None:
        self.assertEqual(decode("Gr\u00fc\u00dfe".encode("latin-1")), "Gr\u00fc\u00dfe")

    def test_gathers_short_pieces_without_losing_any(self) -> None:
        pieces = [f"{number}" * 100 for number in range(90)]
        pages = list(gather(pieces))
        self.assertEqual("\n\n".join(pages), "\n\n".join(pieces))
        self.assertTrue(all(len(page) >= LEAST for page in pages[:-1]))

    def test_knows_english_from_its_neighbours(self) -> None:
        self.assertTrue(is_english("The gradients dialog is the place to select one of them."))
        for other in (
            "Mit diesem Befehl wählen Sie »is« oder »of the« aus der Liste aller Befehle des Programms aus.",
            "Les fichiers de configuration sont lus dans l'ordre.",
            "この章では、Debian プロジェクトについて説明します。",
        ):
            self.assertFalse(is_english(other), other)

    def test_knows_what_lacks_the_script_of_its_language(self) -> None:
        self.assertTrue(is_latin("Choose View - Styles."))
        self.assertFalse(is_latin("Writer"))
        self.assertFalse(is_latin("Debian プロジェクト is said here"))


@_needs_lxml
class HtmlTests(unittest.TestCase):
    def test_keeps_the_text_and_leaves_the_page_out(self) -> None:
        page = b"""<html><head><title>T</title><style>p {}</style></head><body>
            <div class="navheader">Next</div>
            <h1>Head<a class="headerlink">#</a></h1><p>One
            <b>bold</b>  word.<br>Line.</p><script>code()</script>
            <pre>if x:\n    y</pre><ul><li>Item <i>a</i></li><li><p>Item b</p></li></ul>
            <table><tr><th>A</th><td>1 &amp; 2</td></tr></table></body></html>"""
        self.assertEqual(
            page_text(page), "Head\n\nOne bold word.\nLine.\n\nif x:\n    y\n\nItem a\n\nItem b\n\nA  1 & 2"
        )

    def test_takes_the_main_part_and_the_first_variant(self) -> None:
        variants = '<span class="switchinline"><span> eins</span><span> zwei</span></span>'
        page = f"<body>Menu<main><p>Seite{variants}.</p></main></body>"
        self.assertEqual(page_text(page.encode()), "Seite eins.")

    def test_empty_and_broken_pages(self) -> None:
        for empty in (b" ", b"<!-- generated -->", b"<frameset><frame src='a'></frameset>"):
            self.assertEqual(page_text(empty), "", empty)
        self.assertEqual(page_text(b"<p>a<div><b>b</p></i>\xff"), "a\n\nb\ufffd")

    def test_osis_has_lines_and_paragraphs_and_no_notes(self) -> None:
        verse = (
            '<title>Psalm</title><l sID="1"/><w lemma="x">Blessed</w> is<note>a note</note> he ,<l eID="1"/>'
            '<l sID="2"/>who walks<q>.</q><l eID="2"/> <div sID="p" type="x-p"/>Next.'
        )
        self.assertEqual(osis_text(verse), "Psalm\n\nBlessed is he,\nwho walks.\n\nNext.")


@_needs_groff
class ManualTests(unittest.TestCase):
    def test_sets_paragraphs_on_one_line_without_head_and_foot(self) -> None:
        words = " ".join(["word"] * 60)
        page = f'.TH CAT 1 2020 "x" "Manual"\n.SH NAME\ncat \\- joins\n.SH TEXT\n{words}\nend\n'
        self.assertEqual(tidy(manual_text(page.encode())), f"NAME\ncat - joins\n\nTEXT\n{words} end")

    def test_a_table_is_its_words(self) -> None:
        page = ".TH A 1\n.SH NAME\na\n.PP\n.TS\nallbox;\nl l.\nName\tValue\nx\t1\n.TE\n"
        text = manual_text(("'\\\" t\n" + page).encode())
        self.assertNotRegex(text, "[\u2500-\u257f]")
        self.assertIn("Name  Value", text)

    def test_a_link_to_another_page_is_empty(self) -> None:
        self.assertEqual(manual_text(b".so man3/printf.3\n"), "")


class DictionaryTests(unittest.TestCase):
    def test_numbers_in_base_64(self) -> None:
        self.assertEqual(
            [number("A"), number("b"), number("BA"), number("Gb9L")],
            [0, 27, 64, 6 * 64**3 + 27 * 4096 + 61 * 64 + 11],
        )

    def test_articles_in_the_order_of_the_text_each_once(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            dictd = Path(folder) / "usr/share/dictd"
            dictd.mkdir(parents=True)
            (dictd / "a.dict.dz").write_bytes(
                gzip.compress(b"info\n" + b"zed\n\n   A {link}.".ljust(126, b".") + b"\n" + b"a" * 63)
            )
            (dictd / "a.index").write_text(
                "00-database-info\tA\tF\na\tCE\t/\nz\tF\tB/\nzed\tF\tB/\nb\tA\tE\n"
            )
            found = [(document.item, document.text) for document in DictdDatabase().documents(Path(folder))]
        self.assertEqual([item for item, _ in found], ["z", "a"])
        self.assertEqual([text[:13] for _, text in found], ["zed\n\nA link..", "a" * 13])

    def test_braces_of_links_go(self) -> None:
        self.assertEqual(article_text("x\n\n   See {Ada} and\n   {C}."), "x\n\nSee Ada and C.")

    def test_articles_of_the_jargon_file(self) -> None:
        body = "A {hack} that is told here in more words than\n   a line can hold, and then some."
        text = f"Chapter 1\n\n   :a: /A/ n.\n\n   {body}\n\n   :b c: n.\n\n   {body}\n\n   :d:\n\n   See a.\n"
        plain = body.replace("\n  ", "").replace("{", "").replace("}", "")
        found = [(name, tidy(article)) for name, article in jargon_articles(text)]
        self.assertEqual(found, [("a", f":a: /A/ n.\n\n{plain}"), ("b c", f":b c: n.\n\n{plain}")])

    def test_gloss_of_wordnet(self) -> None:
        line = "00021265 03 n 02 food 0 solid_food 1 001 @ 00020090 n 0000 | something to eat  "
        self.assertEqual(gloss(line), "food, solid food: something to eat")
        self.assertEqual(
            gloss("00003 00 s 01 galore(ip) 0 000 | in great numbers"), "galore: in great numbers"
        )

    def test_fortunes_are_unwrapped_and_gathered(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "a").write_text("one\nline\n%\ntwo\n%\n")
            (Path(folder) / "a.dat").write_bytes(b"\0")
            (Path(folder) / "art").write_text("/\\")
            found = [document.text for document in Fortunes("", ("art",)).documents(Path(folder))]
        self.assertEqual([tidy(text) for text in found], ["one line\n\ntwo"])


class OtherExtractorTests(unittest.TestCase):
    def test_sentences_of_a_catalogue(self) -> None:
        long = "Ein Satz, der lang genug ist, um etwas zu sagen, und noch etwas mehr."
        self.assertEqual(list(sentences(iter(["OK", long, long + " $name", long + " <b>x</b>"]))), [long])

    def test_code_written_by_hand(self) -> None:
        line = b"x = 1  # comment\n"
        self.assertIsNotNone(source_text(line * 30))
        for other in (line, line * 30 + b"\0", line * 30 + b"\xff", b"x" * 2000, line * 40000):
            self.assertIsNone(source_text(other))

    def test_license_that_a_file_states(self) -> None:
        self.assertEqual(stated_license("/* SPDX-License-Identifier: GPL-2.0 WITH x */\n"), "GPL-2.0 WITH x")
        self.assertEqual(stated_license("// SPDX-License-Identifier: MIT\ncode"), "MIT")
        self.assertIsNone(stated_license("code"))

    def test_code_keeps_its_order_and_leaves_out_what_was_said(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("b.py", "a.py", "test_a.py"):
                (Path(folder) / name).write_text(f"# {name}\n" * 60)
            found = SourceCode(("*.py",), "test_").documents(Path(folder))
            self.assertEqual([document.item for document in found], ["a.py", "b.py"])

    def test_records_of_r(self) -> None:
        record = struct.pack(">I", 3) + zlib.compress(b"abc")
        self.assertEqual(unpack_record(record), b"abc")
        with self.assertRaises(ValueError):
            unpack_record(struct.pack(">I", 4) + zlib.compress(b"abc"))
