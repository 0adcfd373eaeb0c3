import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
  /// Preprocessing shared by ranks, killed, and run again.
  @Suite("Preprocessing")
  struct PreprocessTests {
    let scratch: Scratch
    let input: String
    static let options = ["--shard-bytes", "32KiB", "--holdout", "0.05", "--deduplicate"]

    init() throws {
      scratch = try Scratch()
      input = scratch.file("input")
      try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: true)
      // One large file, the same compressed, Parquet, and many small ones.
      let large = try scratch.documents(3000)
      for command in ["cp \(large) \(input)/large.jsonl", "gzip -c \(large) > \(input)/zip.jsonl.gz"] {
        try #require(ChildProcess.run(["bash", "-c", command]).exitCode == 0)
      }
      for name in Self.parquet {
        try FileManager.default.copyItem(atPath: "\(Self.fixtures)/\(name)", toPath: "\(input)/\(name)")
      }
      for number in 0..<40 {
        try FileManager.default.moveItem(
          atPath: try scratch.documents(20, seed: UInt64(number)), toPath: "\(input)/small-\(number).jsonl")
      }
    }

    static let fixtures = Program.repository + "/Tests/HATTextTests/Resources/parquet"
    static let parquet = [
      "arrow-many-groups.parquet", "duckdb-groups.parquet", "arrow-zstd-v1-plain.parquet",
    ]

    @Test("Parquet: the same on any number of ranks, in many units; damage has one message")
    func parquet() throws {
      func run(_ output: String, ranks: Int?) -> ChildProcess.Output {
        let options = ["--shard-bytes", "1KiB", "--keep", "id,score"]
        let files = Self.parquet.map { "\(Self.fixtures)/\($0)" }
        let arguments = ["preprocess", "--output", scratch.file(output)] + options + files
        return ranks.map { Program.run(arguments, ranks: $0) } ?? Program.run(arguments)
      }
      let alone = run("alone", ranks: nil)
      try #require(alone.exitCode == 0, "\(alone.description)")
      #expect(alone.standardOutput.contains("documents left out because their text is null: 612"))
      let shared = run("shared", ranks: 3)
      #expect(shared.exitCode == 0, "\(shared.description)")
      let contents = try Folder.contents(scratch.file("alone"))
      #expect(contents.count > 10)
      #expect(try Folder.contents(scratch.file("shared")) == contents)

      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(input)/arrow-many-groups.parquet"))
      let damaged = try scratch.write(Array(bytes.dropLast(9)), to: "damaged.parquet")
      expectMistake(
        Program.run(["preprocess", "--output", scratch.file("damaged"), damaged]), exitCode: 65,
        mentions: ["damaged.parquet", "cut short"])
      expectMistake(
        Program.run([
          "preprocess", "--output", scratch.file("brotli"), "\(Self.fixtures)/refused/brotli.parquet",
        ]),
        exitCode: 65, mentions: ["brotli.parquet", "BROTLI", "snappy"])
      expectMistake(
        Program.run([
          "preprocess", "--output", scratch.file("field"), "--field", "body",
          "\(input)/arrow-many-groups.parquet",
        ]),
        exitCode: 65, mentions: ["there is no column \"body\"", "--field", "language, text, source"])
    }

    func arguments(_ output: String) -> [String] {
      ["preprocess", "--output", scratch.file(output)] + Self.options + [input]
    }

    func undisturbed() throws -> [String: Data] {
      let output = Program.run(arguments("undisturbed"))
      try #require(output.exitCode == 0, "\(output.description)")
      return try Folder.contents(scratch.file("undisturbed"))
    }

    @Test("The corpus is the same on any number of ranks, to the last byte", arguments: [2, 3])
    func ranks(count: Int) throws {
      let expected = try undisturbed()
      #expect(expected.count > 50, "there are shards enough to share")
      let output = Program.run(arguments("shared"), ranks: count)
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(try Folder.contents(scratch.file("shared")) == expected)
      #expect(output.standardOutput.contains("an earlier one has the same text"))
      let again = Program.run(arguments("shared"), ranks: count)
      #expect(
        again.exitCode == 0 && again.standardOutput.contains("finished already"), "\(again.description)")
    }

    @Test("preprocess --ranks starts mpirun itself")
    func launched() throws {
      let output = Program.run(arguments("launched") + ["--ranks", "2"])
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(try Folder.contents(scratch.file("launched")) == undisturbed())
    }

    @Test("A bad line stops all ranks, with one message that has its place")
    func badLine() throws {
      let lines = try String(contentsOfFile: input + "/large.jsonl", encoding: .utf8).split(separator: "\n")
      let broken = lines[..<2000] + ["{\"text\": \"cut"] + lines[2000...]
      try Data(broken.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: input + "/large.jsonl"))
      let output = Program.run(arguments("bad"), ranks: 3)
      expectOneMessage(output, exitCode: 65, mentions: "large.jsonl:2001: the line is not valid JSON")
    }

    @Test("Killed at twenty moments and more, by one process or several, it ends as if nothing had been")
    func killed() throws {
      try kill(wanted: 24, ofOneProcess: 20, ends: 2) { arguments($0) }
    }

    /// Kills preprocessing at moments by chance until there are so many kills and ends, and looks at what it ends with.
    func kill(
      wanted: Int, ofOneProcess: Int, ends: Int, _ arguments: (_ output: String) -> [String]
    ) throws {
      let started = Date()
      let output = Program.run(arguments("alone"))
      try #require(output.exitCode == 0, "\(output.description)")
      let expected = try Folder.contents(scratch.file("alone"))
      let duration = Date().timeIntervalSince(started)
      var generator = OracleGenerator(seed: UInt64(truncatingIfNeeded: getpid()))
      var (kills, finished, attempts) = (0, 0, 0)
      while kills < wanted || finished < ends {
        attempts += 1
        try #require(attempts < 200, "\(kills) kills and \(finished) ends in \(attempts) attempts")
        // The first ones of one process; then of jobs of one to three ranks that take over from each other.
        let ranks = kills < ofOneProcess ? nil : attempts % 3 + 1
        let victim = Victim(arguments("killed"), ranks: ranks, run: scratch.file("killed"))
        let delay = Double.random(in: 0...duration * (kills < wanted ? 0.7 : 3), using: &generator)
        let outcome = victim.kill(after: delay + (ranks == nil ? 0 : 0.3))
        if outcome == .killed { kills += 1 }
        if outcome == .ended {
          finished += 1
          try #require(try Folder.contents(scratch.file("killed")) == expected, "after \(kills) kills")
          try FileManager.default.removeItem(atPath: scratch.file("killed"))
        }
      }
      #expect(kills >= wanted)
    }

    /// 900 documents: every third is an earlier one with another word. Some are short, some are in French, some have a low score or none.
    private func documentsToFilter() throws -> String {
      var generator = OracleGenerator(seed: 77)
      var documents: [[String]] = []
      let lines = (0..<900).map { number in
        var words = (0..<Int.random(in: 50...90, using: &generator)).map { _ in
          "word\(Int.random(in: 0..<900, using: &generator))"
        }
        if number % 3 == 2 {
          words = documents[Int.random(in: 0..<documents.count, using: &generator)]
          words[words.count / 2] = "another"
        }
        documents.append(words)
        let text = number % 10 == 9 ? "short \(number)" : words.joined(separator: " ")
        let language = number % 7 == 0 ? "fr" : "en"
        let score = number % 5 == 0 ? (number % 2 == 0 ? "0.25" : "null") : "0.9"
        return "{\"text\":\"\(text)\",\"language\":\"\(language)\",\"language_score\":\(score)}"
      }
      return try scratch.write(lines.joined(separator: "\n"), to: "filter.jsonl")
    }

    @Test("Filters and near duplicates: the same on any number of ranks, and after kills")
    func filtersAndNearDuplicates() throws {
      let input = try documentsToFilter()
      func arguments(_ output: String) -> [String] {
        [
          "preprocess", "--output", scratch.file(output), "--shard-bytes", "16KiB", "--holdout",
          "0.05",
          "--min-bytes", "20B", "--max-bytes", "1KiB", "--language-score", "0.5", "--where",
          "language=e.",
          "--deduplicate", "near", input,
        ]
      }
      try kill(wanted: 6, ofOneProcess: 3, ends: 2, arguments)
      let expected = try Folder.contents(scratch.file("alone"))
      #expect(expected.count > 20, "there are shards enough to share")
      for ranks in [2, 3] {
        let output = Program.run(arguments("ranks-\(ranks)"), ranks: ranks)
        #expect(output.exitCode == 0, "\(output.description)")
        #expect(try Folder.contents(scratch.file("ranks-\(ranks)")) == expected)
        for line in [
          "shorter than --min-bytes: 90", "lack a field that a filter looks at: ",
          "below --language-score: ", "do not match --where: ", "has nearly the same text: ",
        ] {
          #expect(output.standardOutput.contains(line), "\(output.description)")
        }
      }
      let changed = Program.run(arguments("alone") + ["--where", "language=en"])
      expectMistake(changed, exitCode: 64, mentions: ["--where was language=e. and is now"])
    }

    @Test("Filters and presets that cannot be have one message")
    func impossibleFilters() throws {
      let input = try documentsToFilter()
      func run(_ options: String...) -> ChildProcess.Output {
        Program.run(["preprocess", "--output", scratch.file("refused")] + options + [input])
      }
      expectMistake(
        run("--where", "language"), exitCode: 64, mentions: ["--where", "language=en|de"])
      expectMistake(run("--where", "language=(en"), exitCode: 64, mentions: ["--where", "(en"])
      expectMistake(
        run("--min-bytes", "2KiB", "--max-bytes", "1KiB"), exitCode: 64,
        mentions: ["--min-bytes", "--max-bytes"])
      expectMistake(
        run("--preset", "wikipedia", "--language-score", "0.5"), exitCode: 64,
        mentions: ["--language-score", "wikipedia", "fineweb"])
      expectMistake(
        run("--where", "language=de"), exitCode: 65,
        mentions: ["the filters leave out all", "900 do not match"])
      expectMistake(run("--max-bytes", "6B"), exitCode: 65, mentions: ["900 too long"])
      // It is taken for a file.
      expectMistake(
        run("--deduplicate", "nearly"), exitCode: 64,
        mentions: ["nearly", "this kind of file cannot be read"])
    }

    @Test(
      "A signal stops it with exit code 75 and a sentence, and the same command goes on",
      arguments: [
        (SIGTERM, "SIGTERM", nil), (SIGINT, "SIGINT", nil), (SIGUSR1, "SIGUSR1", 2), (SIGTERM, "SIGTERM", 2),
      ])
    func stopped(signal: Int32, name: String, ranks: Int?) throws {
      let expected = try undisturbed()
      let run = scratch.file("stopped")
      let command = [Program.path] + arguments("stopped") + (ranks.map { ["--ranks", "\($0)"] } ?? [])
      let job = ChildProcess(command)
      try #require(eventually(within: 60) { FileManager.default.fileExists(atPath: run) })
      Glibc.kill(try #require(job.program), signal)
      let output = job.wait()
      #expect(output.exitCode == 75, "\(output.description)")
      let message = "stopped by \(name)"
      #expect(
        output.standardError.contains(message)
          && output.standardError.contains("it goes on where it stopped"),
        "\(output.description)")
      let again = ChildProcess.run(command)
      #expect(again.exitCode == 0, "\(again.description)")
      #expect(try Folder.contents(run) == expected)
    }

    @Test("Changed settings and input are refused with what changed, and nothing is touched")
    func changed() throws {
      let expected = try undisturbed()
      let settings = Program.run(arguments("undisturbed") + ["--level", "4"])
      expectMistake(settings, exitCode: 64, mentions: ["--level was 3 and is now 4"])
      try FileManager.default.removeItem(atPath: input + "/small-7.jsonl")
      let fewer = Program.run(arguments("undisturbed"), ranks: 2)
      expectOneMessage(fewer, exitCode: 64, mentions: "small-7.jsonl is gone")
      #expect(try Folder.contents(scratch.file("undisturbed")) == expected)
    }

    @Test("Standard input is preprocessed, and continued; duplicates cannot be looked for in it")
    func standardInput() throws {
      let file = input + "/large.jsonl"
      let options = ["preprocess", "--output", scratch.file("piped"), "--shard-bytes", "32KiB", "-"]
      let output = Program.run(options, input: file)
      #expect(output.exitCode == 0, "\(output.description)")
      let again = Program.run(options, input: file)
      #expect(again.standardOutput.contains("finished already"), "\(again.description)")
      let shared = Program.run(
        ["preprocess", "--output", scratch.file("shared"), "--shard-bytes", "32KiB", "-"], input: file,
        ranks: 2)
      #expect(shared.exitCode == 0, "\(shared.description)")
      #expect(try Folder.contents(scratch.file("piped")) == Folder.contents(scratch.file("shared")))
      let refused = Program.run(
        ["preprocess", "--output", scratch.file("other"), "--deduplicate", "-"], input: file)
      expectMistake(refused, exitCode: 64, mentions: ["--deduplicate", "standard input"])
    }
  }
}

/// A preprocessing that is killed.
private struct Victim {
  enum Outcome { case killed, ended, notHit }

  let process: ChildProcess
  let ranks: Int?
  let run: String

  init(_ arguments: [String], ranks: Int?, run: String) {
    process = ChildProcess((ranks.map { Program.mpirun(ranks: $0) } ?? [Program.path]) + arguments)
    (self.ranks, self.run) = (ranks, run)
  }

  /// Kills the process, or one of its ranks, unless it has ended by then.
  func kill(after delay: Double) -> Outcome {
    usleep(UInt32(delay * 1e6))
    let hasHit =
      ranks.map { RankProcess.signal(SIGKILL, rank: Int(delay * 1e6) % $0, run: run) } ?? killChild()
    let output = process.wait()
    if ranks != nil { _ = eventually(within: 10) { !RankProcess.exists(run: run) } }
    if output.exitCode == 0 { return .ended }
    return hasHit && output.exitCode == 128 + SIGKILL ? .killed : .notHit
  }

  /// The program is the only child of the `timeout` that watches it.
  private func killChild() -> Bool {
    let file = "/proc/\(process.identifier)/task/\(process.identifier)/children"
    let children = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    guard let child = children.split(separator: " ").first.flatMap({ pid_t($0) }) else { return false }
    return Glibc.kill(child, SIGKILL) == 0
  }
}
