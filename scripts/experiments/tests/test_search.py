import tempfile
import unittest
from pathlib import Path

from corpus.errors import ExitCode, Failure
from experiments.command import _SEARCHES
from experiments.search import Search, label, read

_HEAD = 'title = "A"\nbase = "configs/tiny.yaml"\nsteps = 100\n'


class SearchTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "mine.toml"

    def read(self, content: str) -> Search:
        self.path.write_text(_HEAD + content)
        return read(self.path)

    def test_a_star_changes_one_thing_at_a_time(self) -> None:
        search = self.read(
            'settings.training.optimizer = "muon"\n[axes]\ntraining.clip = [0.5, 2]\nmodel."layers" = [3]\n'
            "[[trials]]\nname = 'both'\nsettings = { training.clip = 2.0, model.layers = 3 }\n"
        )
        self.assertEqual(
            [(label(trial), trial.changes) for trial in search.trials],
            [
                ("base", {}),
                ("training.clip=0.5", {"training.clip": "0.5"}),
                ("training.clip=2", {"training.clip": "2"}),
                ("model.layers=3", {"model.layers": "3"}),
                ("both", {"training.clip": "2", "model.layers": "3"}),
            ],
        )
        self.assertEqual(search.settings, {"training.optimizer": "muon"})
        self.assertEqual((search.name, search.seeds, search.evaluations), ("mine", (1,), 6))

    def test_a_grid_changes_all_together(self) -> None:
        search = self.read('kind = "grid"\n[axes]\ntraining.clip = [1, 2]\ntraining.warmup_steps = [3, 4]\n')
        changes = [tuple(trial.changes.values()) for trial in search.trials]
        self.assertEqual(changes, [(), ("1", "3"), ("1", "4"), ("2", "3"), ("2", "4")])
        self.assertEqual(label(search.trials[1]), "clip 1, warmup_steps 3")

    def test_flops_may_change_where_the_file_says_so(self) -> None:
        search = self.read(
            'flops_may_change = ["model.layers"]\n[axes]\nmodel.layers = [3]\nmodel.width = [96]\n'
        )
        self.assertEqual([trial.may_change_flops for trial in search.trials], [False, True, False])

    def test_a_trial_has_steps_and_a_model_to_match_of_its_own(self) -> None:
        self.path.write_text(
            _HEAD.replace("tiny", "subword-tiny") + 'match = "configs/tiny.yaml"\n'
            '[[trials]]\nname = "longer"\nsteps = 200\n'
            '[[trials]]\nname = "wider"\nmatch_settings.model = { width = 160, kv_heads = "auto" }\n'
        )
        base, longer, wider = read(self.path).trials
        self.assertEqual((base.steps, base.match_settings), (None, {}))
        self.assertEqual((longer.steps, longer.changes), (200, {}))
        self.assertEqual((wider.changes, wider.may_change_flops), ({}, False))
        self.assertEqual(wider.match_settings, {"model.width": "160", "model.kv_heads": "auto"})

    def test_an_error_names_the_key(self) -> None:
        axes = "[axes]\ntraining.clip = [2]\n"
        for content, parts in {
            "sets = 1\n" + axes: ("sets is no key", "settings"),
            "": ("axes is missing",),
            "steps = 1\n" + axes: ("is not TOML",),
            'seeds = [1, "a"]\n' + axes: ("seeds must be",),
            "seeds = [1, 1]\n" + axes: ("seeds must be",),
            "evaluations = 0\n" + axes: ("evaluations must be",),
            'kind = "random"\n' + axes: ("kind", "random", "star"),
            'match = "none.yaml"\n' + axes: ("match names none.yaml",),
            "settings.training.clip = 1\n" + axes: ("axes.training.clip is fixed",),
            "[axes]\ntraining.clip = 2\n": ("axes.training.clip must be a list",),
            "[axes]\ntraining.clip = []\n": ("axes.training.clip must be a list",),
            "[axes]\ntraining.clip = [2, 2.0]\n": ("axes.training.clip has a value twice",),
            "[axes]\ntraining.clip = [[2]]\n": ("axes.training.clip must be a number",),
            "[axes]\nclip = [2]\n": ("axes.clip names no section",),
            "[axes]\ntraining.steps = [2]\n": ("axes.training.steps", "give steps instead"),
            "[axes]\noutput.keep = [2]\n": (
                "axes.output.keep",
                "the command chooses it",
                "README.md explains",
            ),
            'flops_may_change = ["model.width"]\n' + axes: ("flops_may_change names model.width",),
            "[[trials]]\nname = 'a'\n": ("trials[1].settings is missing",),
            "[[trials]]\nsettings = { training.clip = 1 }\n": ("trials[1].name must",),
            "[[trials]]\nname = 'a'\nsetting = 1\n": ("trials[1].setting is no key",),
            "[[trials]]\nname = 'a'\nsteps = 0\n": ("trials[1].steps must be a whole number",),
            "[[trials]]\nname = 'a'\nmatch_settings = { model.width = 160 }\n": (
                "trials[1].match_settings needs match",
            ),
            "[[trials]]\nname = 'a'\nsettings = { data.seed = 1 }\n": (
                "trials[1].settings.data.seed",
                "give seeds instead",
            ),
        }.items():
            with self.subTest(content), self.assertRaises(Failure) as caught:
                self.read(content)
            for part in ("mine.toml", *parts):
                self.assertIn(part, str(caught.exception))
            self.assertEqual(caught.exception.code, ExitCode.BAD_CONFIGURATION)

    def test_what_is_missing_is_named(self) -> None:
        self.path.write_text('title = "A"\nsteps = 1\n[axes]\ntraining.clip = [2]\n')
        with self.assertRaisesRegex(Failure, "base is missing"):
            read(self.path)
        with self.assertRaisesRegex(Failure, "There are: mine") as caught:
            read(self.path.with_name("other.toml"))
        self.assertEqual(caught.exception.code, ExitCode.INPUT_MISSING)

    def test_the_searches_of_the_repository_are_sound(self) -> None:
        paths = sorted(_SEARCHES.glob("*.toml"))
        self.assertTrue(paths)
        for path in paths:
            with self.subTest(path.name):
                labels = [label(trial) for trial in read(path).trials]
                self.assertEqual(len(labels), len(set(labels)))
