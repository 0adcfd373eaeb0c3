"""What the paper reports (arXiv 2501.10322 v2), at 1B to 7B parameters.

Collected from summaries and reading notes of it: look it up where it matters.
"""

ADDRESS = "https://arxiv.org/abs/2501.10322"

WORD_ACCURACY = "35.5 / 37.8 / 39.0 % against 35.3 / 37.7 / 39.2 % at 1B / 3B / 7B (Table 1)"
CLOZE = "LAMBADA at 7B: 43.1 against 25.6 % (Table 1)"
CHOICE = "17 tasks: match or exceed, ARC 1–3 points lower (Table 1)"
ALL_CAPS = "the baseline's drop is about 3 times as large (§4.4)"
PERTURBED = "10 % of characters permuted, replaced, deleted: smaller drop in each (§4.4, B.5)"
FIXED_CHOICE = "HellaSwag 2.7 points lower (§4.3)"
FIXED_CLOZE = "LAMBADA 8.4 points lower (§4.3)"
SPEED_RATIO = "1.9 times faster (§4.5)"
ADAPTED = "better German (§4.5); Chinese 0.80 against 0.94 bits per byte (C.3)"
FORGETTING = "less English lost (§4.5)"
UNITS = "5.97 bytes per word, 4.12 bytes per token of a 64 k vocabulary (Fig. 2)"
STEP_TIME = "0.9 / 2.3 / 4.5 s against 0.9 / 1.6 / 4.7 s a step on 256 GPUs at 1B / 3B / 7B (Table 4)"
CACHE = "its key and value cache is 6–13 % smaller (A.5)"
NOT_REPORTED = "not reported"
