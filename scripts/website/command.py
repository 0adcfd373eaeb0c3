"""The command line of `scripts/make-site`."""

import shutil
import sys
import tempfile
from pathlib import Path

from corpus.arguments import Parser
from corpus.errors import ExitCode
from installation.errors import PackagingError, run
from website.guides import ROOT, write_catalog
from website.links import faults
from website.symbols import MODULES, TOOLCHAIN, write_symbol_graphs

_DESCRIPTION = """Builds the site: the guides of docs and the reference of the library, as files that any web server
serves. Needs a release build: swift build -c release."""

# For those who open the site's first folder.
_INDEX = """<!doctype html>
<meta charset="utf-8">
<title>hat</title>
<meta http-equiv="refresh" content="0; url=documentation/guides/">
<a href="documentation/guides/">hat</a>
"""


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    parser = Parser(prog="scripts/make-site", description=_DESCRIPTION)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="new, or a site made before")
    parser.add_argument("--base-path", default="", metavar="PATH", help="where the server shows it, such as /hat")
    options = parser.parse_args(arguments)
    try:
        make_site(options.output, options.base_path)
    except PackagingError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    return ExitCode.DONE


def make_site(output: Path, base_path: str = "") -> None:
    """Writes a site that is complete, with all its links checked, or none.

    - Throws: `PackagingError`.
    """
    output = output.resolve()
    if output.exists() and not all((output / name).exists() for name in ("metadata.json", "documentation/guides")):
        raise PackagingError(ExitCode.CANNOT_WRITE, f"{output} exists and is no site", "Name a new folder.")
    with tempfile.TemporaryDirectory(prefix="hat-site-") as folder:
        site = _built(Path(folder), base_path)
        if found := faults(site):
            raise PackagingError(ExitCode.INVALID_DATA, "links lead nowhere:\n" + "\n".join(found), "Mend the pages.")
        (site / "index.html").write_text(_INDEX, "utf-8")
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as beside:
                _put(site, output, Path(beside))
        except OSError as error:
            message = f"{output}: {error.strerror or error}"
            raise PackagingError(ExitCode.CANNOT_WRITE, message, "Name another folder.") from None


def _put(site: Path, output: Path, beside: Path) -> None:
    """The site that was there goes when the new one is in its place, and not before."""
    new, old = beside / "new", beside / "old"
    shutil.copytree(site, new)
    try:
        if output.exists():
            output.rename(old)
        new.rename(output)
    except BaseException:
        if old.exists() and not output.exists():
            old.rename(output)
        raise


def _built(work: Path, base_path: str) -> Path:
    """One archive of the guides and one of each module, merged."""
    write_catalog(work / "guides.docc")
    archives = [_converted([work / "guides.docc"], work / "guides.doccarchive", base_path)]
    write_symbol_graphs(ROOT, work)
    for module, abstract in MODULES.items():
        catalog = work / f"{module}.docc"
        (catalog / f"{module}.md").write_text(f"# ``{module}``\n\n{abstract}\n", "utf-8")
        # Our comments leave out a parameter whose name says all.
        options = [catalog, "--disable-parameters-and-returns-validation", "--fallback-default-module-kind", "Module"]
        archives.append(_converted(options, work / f"{module}.doccarchive", base_path))
    title = ["--synthesized-landing-page-name", "hat", "--synthesized-landing-page-kind", "Documentation"]
    run(["docc", "merge", *archives, "--output-path", work / "site", *title], TOOLCHAIN)
    return work / "site"


def _converted(options: list[object], archive: Path, base_path: str) -> Path:
    """What docc warns of, such as a page or symbol that it cannot find, is an error."""
    hosting = ["--hosting-base-path", base_path] if base_path else []
    names = ["--fallback-display-name", archive.stem, "--fallback-bundle-identifier", archive.stem]
    run(
        ["docc", "convert", *options, "--output-dir", archive, "--warnings-as-errors", *names, *hosting],
        "Mend what it names.",
    )
    return archive
