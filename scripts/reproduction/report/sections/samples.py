"""Section: what the models write."""

from reproduction.evidence import Results
from reproduction.models import MODELS
from reproduction.report.document import Block, Paragraph, Section, Verbatim
from reproduction.writing import PROMPTS, SEED


def section(results: Results) -> Section:
    blocks: list[Block] = [
        Paragraph(f"The same prompts for all, temperature 0.8, seed {SEED}; the bar ends the prompt.")
    ]
    for prompt in PROMPTS:
        written = "\n\n".join(
            f"{model.title}\n{prompt}|{results['samples'][model.name][prompt].removeprefix(prompt).rstrip()}"
            for model in MODELS
        )
        blocks.append(Verbatim(f"`{prompt.strip()}` …", written, open=prompt == PROMPTS[0]))
    return Section("What they write", blocks)
