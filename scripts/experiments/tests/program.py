"""A stand-in for hat-mpirun: it takes the same commands, and its loss depends on the settings alone."""

import json
from pathlib import Path
from typing import Any

from reproduction.tests.program import changes, option

_DEFAULTS = {
    "model": {"layers": "4", "width": "128", "vocabulary": "8192"},
    "data": {"sequence_words": "256", "sequence_bytes": "2048", "seed": "1"},
    "training": {
        **{"steps": "500", "sequences_per_step": "16", "warmup_steps": "50"},
        **{"optimizer": "adamw", "peak_learning_rate": "auto", "clip": "1"},
    },
    "output": {"checkpoint_every": "100", "evaluate_every": "100", "keep": "3"},
}
_SHAPE = {"width": "96", "head_size": "32", "layers": "5", "kv_heads": "3", "mlp_hidden": "288"}
_STEP_BYTES = 1000

Answer = dict[str, Any]


class Refusal(Exception):
    """What hat would say, with exit code 78."""


def output(arguments: list[str]) -> str:
    """What the command prints."""
    words = [word for word in arguments if not word.startswith("-")]
    if words[0] == "plan":
        return _plan(arguments)
    if words[:2] == ["tokenizer", "learn"]:
        Path(option(arguments, "--output")).write_text("{}")
        return json.dumps({"train": {"bytes_per_token": 4.0}})
    if words[:2] == ["inspect", "corpus"]:
        return json.dumps(
            {
                **{"bytes_per_word": 5.5, "data_fingerprint": "f", "rule": "whitespace-v1"},
                **{"train": {"bytes": 10_000}, "holdout": {"bytes": 100}},
            }
        )
    if words[0] == "train":
        return _train(arguments)
    if words[:2] == ["inspect", "run"]:
        return (Path(words[2]) / "report.json").read_text()
    return _evaluate(Path(option(arguments, "--checkpoint")))


def _settings(arguments: list[str]) -> dict[str, str]:
    found = {f"{section}.{key}": value for section, keys in _DEFAULTS.items() for key, value in keys.items()}
    if "subword" not in option(arguments, "--config"):
        del found["model.vocabulary"]
    found |= {f"model.{key}": value for key, value in _SHAPE.items() if key not in ("width", "layers")}
    changed = changes(arguments)
    if unknown := changed.keys() - found.keys():
        raise Refusal(f"error: there is no setting {', '.join(sorted(unknown))}")
    return found | changed


def _printed(settings: dict[str, str]) -> str:
    sections = dict.fromkeys(name.partition(".")[0] for name in settings)
    return "\n".join(
        f"{section}:\n"
        + "".join(
            f"  {name.partition('.')[2]}: {value}  # what it is\n"
            for name, value in settings.items()
            if name.startswith(section)
        )
        for section in sections
    )


def _plan(arguments: list[str]) -> str:
    settings = _settings(arguments)
    if "--print-config" in arguments:
        return _printed(settings)
    if "--match" in arguments:
        shape = {f"model.{key}": value for key, value in _SHAPE.items()}
        return json.dumps({"configuration": _printed(settings | shape)})
    flops = 1e6 * int(settings["model.layers"]) * int(settings["model.width"])
    if "vocabulary" in str(settings):
        flops *= 4 * 128 / (5 * 96)
    return json.dumps({"training_flops_per_byte": flops, "total_parameters": 1000})


def _train(arguments: list[str]) -> str:
    run = Path(option(arguments, "--output"))
    run.mkdir(parents=True, exist_ok=True)
    (run / "checkpoints").mkdir(exist_ok=True)
    settings = _settings(arguments)
    steps, every = (int(settings[name]) for name in ("training.steps", "output.evaluate_every"))
    size = _STEP_BYTES * int(settings["training.sequences_per_step"]) // 16
    loss = 2.0 if settings["training.optimizer"] == "adamw" else 1.5
    loss += 0.01 * int(settings["data.seed"])
    last = range(max(1, steps - 49), steps + 1)
    (run / "config.yaml").touch()
    report = {
        "totals": {
            "logged_steps": steps,
            **_cost(steps, size),
            "last_bits_per_byte": loss + sum(1 / step for step in last) / len(last),
        },
        "curve": [{"step_seconds": 0.5}] * steps,
        "evaluations": [
            {"step": step, "bits_per_byte": loss, "text_bytes": 9, **_cost(step, size)}
            for step in [*range(every, steps, every), steps]
        ],
        "configuration": "",
    }
    (run / "report.json").write_text(json.dumps(report))
    (run / "run.json").write_text(json.dumps({"program_checksum": "p", "products": "fma"}))
    return ""


def _cost(steps: int, size: int) -> Answer:
    return {"bytes": steps * size, "flops": 1e6 * size * steps, "seconds": 0.5 * steps}


def _evaluate(run: Path) -> str:
    bits = json.loads((run / "report.json").read_text())["evaluations"][-1]["bits_per_byte"]
    return json.dumps(
        {"bits_per_byte": bits, "intervals": {"bits_per_byte": [bits - 1, bits + 1]}, "text_bytes": 100}
    )
