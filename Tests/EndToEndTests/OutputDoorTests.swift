import Foundation
import Testing

extension EndToEnd {
  /// Results that cannot be written, and outputs that are no plain files.
  @Suite("Output that cannot be written")
  struct OutputDoorTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Runs the program with the redirections of a shell.
    private func shell(_ arguments: [String], _ redirections: String, input: String? = nil)
      -> ChildProcess.Output
    {
      ChildProcess.run(
        ["sh", "-c", "exec \"$0\" \"$@\" \(redirections)", Program.path] + arguments, input: input,
        timeLimit: 20)
    }

    /// Commands that give a result, and the file that is their input.
    private func results(of run: String) throws -> [([String], String?)] {
      let corpus = scratch.file("corpus")
      return [
        (["plan", "--config", "\(Program.repository)/configs/tiny.yaml"], nil),
        (["plan", "--config", "\(Program.repository)/configs/tiny.yaml", "--json"], nil),
        (["inspect", "corpus", corpus], nil), (["inspect", "checkpoint", run], nil),
        (["inspect", "batches", "--config", "\(run)/config.yaml", "--data", corpus], nil),
        (["evaluate", "--checkpoint", run, "--data", corpus], nil),
        (["evaluate", "--checkpoint", run, "--data", corpus, "--json"], nil),
        (["generate", "--checkpoint", run, "--bytes", "5"], nil),
        (["split"], try scratch.write("two words", to: "text.txt")),
        (["split", "--json-lines"], try scratch.write("{\"text_b64\": \"YQ==\"}\n", to: "text.jsonl")),
        (["--help"], nil),
      ]
    }

    @Test("A full disk, a closed stream, a reader that has ended: a lost result ends with 73")
    func lostResults() throws {
      for (arguments, input) in try results(of: scratch.trainedRun()) {
        for (redirections, word) in [("> /dev/full", "full"), (">&-", "closed")] {
          expectMistake(shell(arguments, redirections, input: input), exitCode: 73, mentions: [word])
        }
      }
      let command = "exec 3>&1; { sleep 1; \"$0\" plan --config \"$1\" >&4; echo $? >&3; } 4>&1 | true"
      let output = ChildProcess.run(
        ["bash", "-c", command, Program.path, "\(Program.repository)/configs/tiny.yaml"], timeLimit: 20)
      #expect(output.standardOutput == "73\n", "\(output.description)")
    }

    @Test("What ranks print is a result, too")
    func lostResultsOfRanks() throws {
      let output = shell(
        ["preprocess", "--output", scratch.file("corpus"), "--ranks", "2", try scratch.documents()],
        "> /dev/full")
      expectMistake(output, exitCode: 73, mentions: ["full"])
    }

    @Test("A log that is full or closed stops nothing", arguments: ["2> /dev/full", "2>&-"])
    func lostLog(redirection: String) throws {
      let run = scratch.file("run")
      let configuration = try scratch.configuration(["training.steps": "3", "output.evaluate_every": "1"])
      let corpus = try scratch.corpus()
      for ranks in [[], ["--ranks", "2"]] {
        let output = shell(
          ["train", "--config", configuration, "--data", corpus, "--output", run] + ranks,
          redirection)
        #expect(output.exitCode == 0, "\(output.description)")
        try FileManager.default.removeItem(atPath: run)
      }
    }

    @Test("A device, a pipe or a folder as output stays what it is")
    func outputs() throws {
      let run = try scratch.trainedRun()
      let text = try scratch.write("A text.", to: "text.txt")
      let pipe = scratch.file("pipe")
      try #require(mkfifo(pipe, 0o600) == 0)
      for output in ["/dev/null", pipe, scratch.path] {
        for command in [
          ["export", "--checkpoint", run, "--output", output],
          ["inspect", "gradients", "--checkpoint", run, "--text", text, "--output", output],
          [
            "tokenizer", "learn", "--data", scratch.file("corpus"), "--vocabulary", "300", "--output", output,
          ],
          [
            "plan", "--config", "\(Program.repository)/configs/tiny.yaml", "--match", "--vocabulary", "300",
            "--data", scratch.file("corpus"), "--write", output,
          ],
        ] {
          expectMistake(Program.run(command, timeLimit: 60), exitCode: 73, mentions: [output])
        }
      }
      var status = stat()
      #expect(stat("/dev/null", &status) == 0 && (status.st_mode & S_IFMT) == S_IFCHR)
      #expect(stat(pipe, &status) == 0 && (status.st_mode & S_IFMT) == S_IFIFO)
    }
  }
}
