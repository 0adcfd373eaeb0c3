import Foundation
import Testing

extension EndToEnd {
  /// What a trained model is measured on, and the options that go with it.
  @Suite("Evaluation")
  struct EvaluationTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A run that has learned a little of made-up prose.
    private func trainedRun(rule: String = "whitespace") throws -> (run: String, corpus: String) {
      let corpus = try scratch.corpus(rule: rule)
      let configuration = try scratch.configuration([
        "training.steps": "150", "output.checkpoint_every": "75", "output.keep": "2",
      ])
      let run = scratch.file("run")
      let training = Program.run(["train", "--config", configuration, "--data", corpus, "--output", run])
      try #require(training.exitCode == 0, "\(training.description)")
      return (run, corpus)
    }

    private func objects(_ arguments: [String]) throws -> [[String: Any]] {
      let output = Program.run(arguments + ["--json"])
      try #require(output.exitCode == 0, "\(output.description)")
      return try output.standardOutput.split(separator: "\n").map { line in
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      }
    }

    private func evaluate(_ run: String, _ options: [String]) throws -> [String: Any] {
      let objects = try objects(["evaluate", "--checkpoint", run] + options)
      try #require(objects.count == 1)
      return objects[0]
    }

    private func number(_ object: Any?, _ key: String) throws -> Double {
      try #require((object as? [String: Any])?[key] as? Double, "no \(key)")
    }

    private func interval(_ object: [String: Any], _ key: String) throws -> [Double] {
      try #require((object["intervals"] as? [String: Any])?[key] as? [Double], "no interval of \(key)")
    }

    @Test("Text: figures with intervals, and what perturbations cost", arguments: ["whitespace", "unicode"])
    func text(rule: String) throws {
      let (run, corpus) = try trainedRun(rule: rule)
      let clean = try evaluate(run, ["--data", corpus, "--part", "train"])
      #expect(try number(clean, "units") > 40)
      for key in ["bits_per_byte", "byte_accuracy", "word_accuracy"] {
        let (value, interval) = (try number(clean, key), try interval(clean, key))
        #expect(interval[0] < value && value < interval[1], "\(key)")
      }
      let parts = try number(clean, "text_bits_per_byte") + number(clean, "mark_bits_per_byte")
      #expect(abs(parts - (try number(clean, "bits_per_byte"))) < 1e-9)

      for kind in ["all-caps", "permute:0.3", "replace", "delete:0.3"] {
        let options = ["--data", corpus, "--part", "train", "--perturb", kind]
        let perturbed = try evaluate(run, options)
        let bits = try number(perturbed, "bits_per_byte")
        #expect(try bits > number(clean, "bits_per_byte"))
        #expect(try number(perturbed["unperturbed"], "bits_per_byte") == number(clean, "bits_per_byte"))
        let drop = try number(perturbed["relative_drop"], "bits_per_byte")
        #expect(try abs(drop - (bits / number(clean, "bits_per_byte") - 1)) < 1e-9)
        #expect(try evaluate(run, options)["bits_per_byte"] as? Double == bits, "repeatable")
        if kind != "all-caps" {
          #expect(try evaluate(run, options + ["--perturb-seed", "2"])["bits_per_byte"] as? Double != bits)
        }
      }
    }

    @Test("Two models: differences and ratios of drops, of pairs")
    func comparison() throws {
      let (run, corpus) = try trainedRun()
      let options = ["--data", corpus, "--part", "train", "--perturb", "replace"]
      let other = "\(run)@75"
      let (own, compared) = try (evaluate(run, options), evaluate(run, options + ["--against", other]))
      let against = try #require(compared["against"] as? [String: Any])
      #expect(try number(compared, "bits_per_byte") == number(own, "bits_per_byte"))
      #expect(try number(against, "bits_per_byte") == number(evaluate(other, options), "bits_per_byte"))
      #expect(against["checkpoint"] as? String == other && against["step"] as? Int == 75)

      let difference = try #require(compared["difference"] as? [String: Any])
      let expected = try number(own, "bits_per_byte") - number(against, "bits_per_byte")
      #expect(try abs(number(difference, "bits_per_byte") - expected) < 1e-9)
      #expect(expected < 0, "it has learned since")
      #expect(try interval(difference, "bits_per_byte")[1] < 0, "and in every document")

      let ratios = try #require(compared["ratio_of_drops"] as? [String: Any])
      let drops = try (
        number(own["relative_drop"], "bits_per_byte"), number(against["relative_drop"], "bits_per_byte")
      )
      #expect(try abs(number(ratios, "bits_per_byte") - drops.1 / drops.0) < 1e-9)
    }

    @Test("Questions: cloze, multiple choice, spelling")
    func questions() throws {
      let (run, _) = try trainedRun()
      let cloze = try scratch.write(
        """
        {"context": "0 the whale sea whi", "target": "te"}
        {"context": "0 the whale sea whi", "target": "zz"}
        """, to: "cloze.jsonl")
      let guesses = try evaluate(run, ["--cloze", cloze])
      #expect(guesses["targets"] as? Int == 2)
      #expect(try number(guesses, "accuracy") == 0.5, "\(guesses)")
      #expect(try number(guesses, "perplexity_per_byte") < number(guesses, "perplexity_per_word"))
      let shouted = try evaluate(run, ["--cloze", cloze, "--perturb", "all-caps"])
      #expect(try number(shouted["unperturbed"], "accuracy") == 0.5)
      #expect(shouted["relative_drop"] is [String: Any] && shouted["perturbation"] as? String == "all-caps")

      let choice = try scratch.write(
        """
        {"context": "0 the whale ", "choices": ["ship ", "xqzv "], "answer": 0}
        {"context": "0 the whale ", "choices": ["wjkp ", "white "], "answer": "white "}
        """, to: "choice.jsonl")
      let choices = try evaluate(run, ["--choice", choice])
      #expect(try number(choices, "accuracy") == 1 && number(choices, "accuracy_per_byte") == 1)

      let typos = try scratch.write(
        """
        {"good": "whale", "bad": "whael"}
        {"good": "white", "bad": "whit", "context": "0 the "}
        {"good": "sihp", "bad": "ship", "context": "0 the "}
        """, to: "typos.jsonl")
      #expect(try evaluate(run, ["--typos", typos])["preferred"] as? Int == 2)
      let shown = Program.run(["evaluate", "--checkpoint", run, "--typos", typos, "--perturb", "delete"])
      #expect(shown.exitCode == 0 && shown.standardOutput.contains("relative drop"), "\(shown.description)")
    }

    @Test("Words: neighbours, and perturbed spellings that find home")
    func words() throws {
      let (run, corpus) = try trainedRun()
      let words = ["inspect", "words", "--checkpoint", run]
      let near = try objects(words + ["--near", "whale", "whaale", "--count", "3"])
      #expect(near.map { $0["word"] as? String } == ["whale", "whaale"])
      for object in near {
        let neighbours = try #require(object["neighbours"] as? [[String: Any]])
        #expect(neighbours.count == 3)
        let cosines = neighbours.compactMap { $0["cosine"] as? Double }
        #expect(cosines.count == 3 && cosines == cosines.sorted(by: >))
        #expect(!neighbours.contains { $0["word"] as? String == object["word"] as? String })
      }
      let named = try objects(words + ["--near", "whale", "whaale", "--count", "3", "--data", corpus])
      #expect(NSArray(array: named).isEqual(to: near), "the run's own corpus is the default")

      let list = try scratch.write("whale\nwhite\n\nship\nwhale\nAhab\n", to: "list.txt")
      let share = try #require(
        try objects(words + ["--list", list, "--perturb", "replace:0.3", "--perturb-seed", "3"]).first)
      #expect(share["words"] as? Int == 4)
      let (changed, right) = (try number(share, "perturbed_words"), try number(share, "nearest_is_right"))
      #expect(changed > 0 && right <= changed)
      #expect(try number(share, "share") == right / changed)

      for (options, exitCode, mention) in [
        (["--near", "two words"], 64, "--near"), ([], 64, "--near"),
        (["--near", "whale", "--list", scratch.file("nowhere.txt")], 66, "nowhere.txt"),
        (
          ["--near", "whale", "--list", try scratch.write("one\ntwo words\n", to: "bad.txt")], 65, "bad.txt:2"
        ),
        (["--near", "whale", "--list", try scratch.write([0xFF], to: "latin.txt")], 65, "latin.txt:1"),
      ] as [([String], Int32, String)] {
        expectMistake(Program.run(words + options), exitCode: exitCode, mentions: [mention])
      }
    }

    @Test("The figures are the same on any number of threads; more than there are cores are refused")
    func threads() throws {
      let (run, corpus) = try trainedRun()
      func evaluate(threads: Int) -> ChildProcess.Output {
        Program.run([
          "evaluate", "--checkpoint", run, "--data", corpus, "--json", "--threads", String(threads),
        ])
      }
      let (one, two) = (evaluate(threads: 1), evaluate(threads: 2))
      try #require(one.exitCode == 0 && two.exitCode == 0, "\(one.description)\n\(two.description)")
      #expect(one.standardOutput.contains("bits_per_byte"))
      #expect(one.standardOutput == two.standardOutput)

      expectMistake(evaluate(threads: 0), exitCode: 64, mentions: ["from 1 to"])
      let tooMany = ProcessInfo.processInfo.activeProcessorCount + 1
      let refused = evaluate(threads: tooMany)
      expectMistake(refused, exitCode: 64, mentions: ["--threads \(tooMany): ", "Use --threads "])
      #expect(!refused.standardError.contains("fewer ranks"), "evaluate has none: \(refused.description)")
    }

    @Test("What cannot be measured is refused, with file and line")
    func mistakes() throws {
      let (run, corpus) = try trainedRun()
      let good = #"{"context": "a", "target": "b"}"#
      let broken = try scratch.write("\(good)\n{\"context\": \"a\"}\n", to: "broken.jsonl")
      let latin = try scratch.write(Array(good.utf8) + [0x0A, 0xE9, 0x0A], to: "latin.jsonl")
      let long = try scratch.write(
        "\(good)\n{\"context\": \"\", \"target\": \"\(String(repeating: "long ", count: 50))\"}\n",
        to: "long.jsonl")
      for (options, exitCode, mention) in [
        (["--cloze", broken], 65, "broken.jsonl:2"), (["--cloze", latin], 65, "latin.jsonl:2"),
        (["--cloze", long], 65, "long.jsonl:2"), (["--choice", broken], 65, "broken.jsonl:1"),
        (["--typos", try scratch.write("", to: "empty.jsonl")], 65, "empty.jsonl"),
        (["--choice", scratch.file("nowhere.jsonl")], 66, "nowhere.jsonl"),
        (["--text", try scratch.write([0x61, 0xFF], to: "latin.txt")], 65, "latin.txt"),
        (["--data", corpus, "--cloze", broken], 64, "--cloze"), ([], 64, "--data"),
        (["--data", corpus, "--perturb", "shout"], 64, "--perturb"),
        (["--data", corpus, "--perturb", "delete:1.5"], 64, "--perturb"),
      ] as [([String], Int32, String)] {
        expectMistake(
          Program.run(["evaluate", "--checkpoint", run] + options), exitCode: exitCode, mentions: [mention])
      }
    }
  }
}
