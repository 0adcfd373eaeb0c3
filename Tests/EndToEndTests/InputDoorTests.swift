import Foundation
import Testing

extension EndToEnd {
  /// What is named as a file and is none, and files as other programs leave them.
  @Suite("Input that is no plain file")
  struct InputDoorTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// The commands that read a file, with the file last.
    static let readers: [[String]] = [
      ["preprocess", "--output", "OUTPUT"], ["plan", "--config"],
      ["evaluate", "--checkpoint", "RUN", "--text"], ["evaluate", "--checkpoint", "RUN", "--cloze"],
      ["evaluate", "--checkpoint", "RUN", "--choice"], ["evaluate", "--checkpoint", "RUN", "--typos"],
      ["inspect", "gradients", "--checkpoint", "RUN", "--output", "OUTPUT", "--text"],
      ["inspect", "words", "--checkpoint", "RUN", "--near", "word", "--list"], ["inspect", "shard"],
      ["import", "--config", "\(Program.repository)/configs/tiny.yaml", "--output", "OUTPUT", "--weights"],
    ]

    @Test("A folder, a pipe, a device: a sentence, at once")
    func notAFile() throws {
      let run = try scratch.trainedRun()
      let folder = scratch.file("folder.txt")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
      let pipe = scratch.file("pipe.txt")
      try #require(mkfifo(pipe, 0o600) == 0)
      let device = scratch.file("zero.txt")
      try FileManager.default.createSymbolicLink(atPath: device, withDestinationPath: "/dev/zero")
      for (path, word) in [(folder, "folder"), (pipe, "pipe"), (device, "device")] {
        for reader in Self.readers {
          let arguments = reader.map {
            $0.replacing("OUTPUT", with: scratch.file("output")).replacing("RUN", with: run)
          }
          let output = Program.run(arguments + [path], timeLimit: 20)
          expectMistake(output, exitCode: 66, mentions: [word])
        }
      }
    }

    @Test("Standard input that cannot be read: a folder, or none")
    func unreadableInput() throws {
      let tokenizer = scratch.file("tokenizer.json")
      let learned = Program.run(
        ["tokenizer", "learn", "--data", try scratch.corpus(), "--vocabulary", "300", "--output", tokenizer])
      try #require(learned.exitCode == 0, "\(learned.description)")
      for command in [
        ["generate", "--checkpoint", scratch.file("nowhere"), "--prompt", "-"], ["split"],
        ["tokenizer", "encode", "--tokenizer", tokenizer],
      ] {
        for redirection in ["< '\(scratch.path)'", "<&-"] {
          let shell = ["sh", "-c", "exec \"$@\" \(redirection)", "sh", Program.path]
          let output = ChildProcess.run(shell + command, timeLimit: 20)
          expectMistake(output, exitCode: 66, mentions: ["standard input"])
        }
      }
    }

    @Test("A link to a folder above it is not followed without end")
    func loop() throws {
      let folder = scratch.file("texts")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
      try "two\n".write(toFile: "\(folder)/a.txt", atomically: true, encoding: .utf8)
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/again", withDestinationPath: folder)
      expectMistake(preprocess(folder), exitCode: 66, mentions: ["again", "link"])
    }

    @Test("An empty file among others is an empty document")
    func emptyAmongOthers() throws {
      let folder = scratch.file("texts")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
      for (name, text) in [("a.txt", "one\n"), ("b.txt", ""), ("c.jsonl", ""), ("d.txt.zst", "")] {
        try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
      }
      let output = preprocess(folder)
      #expect(output.exitCode == 0, "\(output.description)")
    }

    @Test("A byte order mark before JSON Lines is no error")
    func byteOrderMark() throws {
      let lines = try scratch.write("\u{FEFF}{\"text\": \"one\"}\n{\"text\": \"two\"}\n", to: "mark.jsonl")
      let output = preprocess(lines)
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(output.standardError.contains("2 documents") || output.standardOutput.contains("2 documents"))
      let broken = try scratch.write("\u{FEFF}{\"text\": \"\\ud800\"}\n", to: "broken.jsonl")
      let refused = Program.run(["preprocess", "--output", scratch.file("other"), broken])
      expectMistake(refused, exitCode: 65, mentions: ["broken.jsonl:1", "\\ud800"])
    }

    @Test("Empty values, and arguments that are not UTF-8")
    func arguments() throws {
      let file = try scratch.documents()
      for arguments in [
        ["preprocess", "--output", "", file], ["preprocess", "--output=", file],
        ["train", "--config", "c.yaml", "--data", "", "--output", "run"],
      ] {
        expectMistake(Program.run(arguments), exitCode: 64, mentions: ["empty"])
      }
      let shell = "exec \(Program.path) generate --checkpoint nowhere --prompt \"$(printf 'caf\\351')\""
      expectMistake(ChildProcess.run(["sh", "-c", shell]), exitCode: 64, mentions: ["UTF-8"])
      // An empty prompt is the beginning of a document.
      expectMistake(
        Program.run(["generate", "--checkpoint", scratch.file("nowhere"), "--prompt", ""]), exitCode: 66,
        mentions: ["nowhere"])
    }

    private func preprocess(_ input: String) -> ChildProcess.Output {
      Program.run(["preprocess", "--output", scratch.file("corpus"), "--holdout", "0", input], timeLimit: 30)
    }
  }
}
