import Foundation
import Testing

extension EndToEnd {
  /// Text that preprocessing must refuse, or must not stumble over.
  @Suite("Bad text")
  struct BadTextTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    func preprocess(_ input: String, _ options: [String] = []) -> ChildProcess.Output {
      Program.run(["preprocess", "--output", scratch.file("corpus")] + options + [input])
    }

    @Test("An empty file", arguments: ["empty.txt", "empty.jsonl"])
    func empty(name: String) throws {
      expectMistake(preprocess(try scratch.write("", to: name)), exitCode: 65, mentions: [name])
    }

    @Test("No text field, with file and line")
    func noTextField() throws {
      let file = try scratch.write("{\"text\": \"one\"}\n{\"content\": \"two\"}\n", to: "fields.jsonl")
      expectMistake(preprocess(file), exitCode: 65, mentions: ["fields.jsonl:2", "text"])
    }

    @Test("Broken JSON, with file and line")
    func brokenJSON() throws {
      let file = try scratch.write("{\"text\": \"one\"}\n{\"text\": \"tw\n", to: "broken.jsonl")
      expectMistake(preprocess(file), exitCode: 65, mentions: ["broken.jsonl:2"])
    }

    @Test("Invalid UTF-8 is refused, replaced or skipped as asked")
    func invalidUTF8() throws {
      let file = try scratch.write(
        Array("good ".utf8) + [0xC3, 0x28, 0xFF] + Array(" bad\n".utf8), to: "latin.txt")
      expectMistake(preprocess(file), exitCode: 65, mentions: ["latin.txt", "UTF-8"])
      let output = preprocess(file, ["--invalid-utf8", "replace", "--holdout", "0"])
      #expect(output.exitCode == 0, "\(output.description)")
    }

    @Test("Ten megabytes without white space")
    func noWhiteSpace() throws {
      let file = try scratch.write([UInt8](repeating: 0x78, count: 10_000_000), to: "endless.txt")
      let output = preprocess(file, ["--holdout", "0"])
      #expect(output.exitCode == 0, "\(output.description)")
      let run = RunFolder(path: scratch.file("run"))
      let configuration = try scratch.configuration(["training.steps": "2"])
      let training = Program.run(
        ["train", "--config", configuration, "--data", scratch.file("corpus"), "--output", run.path], ranks: 2
      )
      #expect(training.exitCode == 0, "\(training.description)")
      #expect(try run.results().count == 2)
    }

    @Test("A file that is not there")
    func missing() {
      expectMistake(preprocess(scratch.file("nowhere.txt")), exitCode: 66, mentions: ["nowhere.txt"])
    }

    @Test("Damaged compression")
    func damagedCompression() throws {
      let bytes: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3, 4, 5, 6, 7, 8]
      expectMistake(
        preprocess(try scratch.write(bytes, to: "damaged.jsonl.zst")), exitCode: 65,
        mentions: ["damaged.jsonl.zst"])
    }

    @Test("A rule there is not")
    func unknownRule() throws {
      let file = try scratch.documents()
      expectMistake(
        preprocess(file, ["--split", "sentences"]), exitCode: 64, mentions: ["sentences", "whitespace"])
    }
  }
}
