import CZlib
import Foundation
import HATStorage
import TestSupport
import Testing

@testable import HATText

/// What the kinds of input hold, and what becomes of their faults.
@Suite struct InputTests {
  private let folder = TemporaryFolder()

  private func write(_ bytes: [UInt8], to name: String) throws -> InputFile {
    try Data(bytes).write(to: URL(fileURLWithPath: folder.appending(name)))
    return try InputFile.list([folder.appending(name)])[0]
  }

  /// A gzip member.
  private func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    deflateInit2_(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
    defer { deflateEnd(&stream) }
    var (input, output) = (bytes, [UInt8](repeating: 0, count: bytes.count + 1000))
    let count = input.count
    return input.withUnsafeMutableBufferPointer { from in
      output.withUnsafeMutableBufferPointer { to in
        (stream.next_in, stream.avail_in) = (from.baseAddress, UInt32(count))
        (stream.next_out, stream.avail_out) = (to.baseAddress, UInt32(to.count))
        precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
        return Array(to[..<Int(stream.total_out)])
      }
    }
  }

  private func zstd(_ bytes: [UInt8]) -> [UInt8] {
    Array(ZstdCompressor(level: 3).compress(bytes))
  }

  private func content(_ input: InputFile) throws -> [UInt8] {
    let reader = RecordReader(try input.open(), place: input.path, delimiter: nil)
    return try reader.next().map { Array($0.bytes) } ?? []
  }

  @Test func gzipOfSeveralMembersIsReadWhole() throws {
    var generator = TextGenerator(seed: 60)
    let parts = [3, 200_000, 1, 70_000].map { generator.text(scalars: $0) }
    let input = try write(parts.flatMap { gzip($0) }, to: "a.txt.gz")
    #expect(try content(input) == parts.flatMap { $0 })
  }

  @Test(arguments: [1, 7, 1000, 20_000])
  func compressedContentIsReadWholeIntoSmallBuffers(buffer: Int) throws {
    var generator = TextGenerator(seed: 62)
    let text = generator.text(scalars: 20_000)
    for input in [try write(gzip(text), to: "a.txt.gz"), try write(zstd(text) + zstd(text), to: "a.txt.zst")]
    {
      let source = try input.open()
      var (content, part) = ([UInt8](), [UInt8](repeating: 0, count: buffer))
      while case let count = try part.withUnsafeMutableBytes({ try source.read(into: $0) }), count > 0 {
        content += part[..<count]
      }
      #expect(content == (input.path.hasSuffix("gz") ? text : text + text))
    }
  }

  @Test func damagedGzipIsRefused() throws {
    var generator = TextGenerator(seed: 61)
    let whole = gzip(generator.text(scalars: 3000))
    for length in [1, 9, 10, 11, whole.count / 2, whole.count - 8, whole.count - 1] {
      let input = try write(Array(whole[..<length]), to: "cut.txt.gz")
      let text = errorText { _ = try content(input) }
      #expect(text.contains("cut.txt.gz: it ends inside its compressed data"), "\(length): \(text)")
    }
    for offset in [0, 1, 2, whole.count / 2, whole.count - 6, whole.count - 2] {
      var damaged = whole
      damaged[offset] ^= 0x20
      let input = try write(damaged, to: "bad.txt.gz")
      #expect(errorKind { _ = try content(input) } == .invalidData, "byte \(offset)")
    }
    let input = try write(whole + [1, 2, 3], to: "more.txt.gz")
    #expect(errorText { _ = try content(input) }.contains("not valid gzip data"))
  }

  /// As `zstd --long=31` may write it: a frame of one block that is not compressed (RFC 8878).
  @Test func aWindowThatIsTooLargeIsNamed() throws {
    let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0, 21 << 3, 3 << 3 | 1, 0, 0] + Array("abc".utf8)
    let input = try write(frame, to: "window.txt.zst")
    let text = errorText { _ = try content(input) }
    #expect(text.contains("window.txt.zst: it was compressed with a window of more than 128 MiB"), "\(text)")
    #expect(text.contains("--long=27"), "\(text)")
    var smaller = frame
    smaller[5] = 17 << 3
    #expect(try content(write(smaller, to: "small.txt.zst")) == Array("abc".utf8))
  }

  // MARK: JSON

  private func parse(
    _ line: [UInt8], field: String = "text", policy: InvalidTextPolicy = .error
  ) throws -> (text: String?, metadata: [String: String]) {
    var settings = PreprocessSettings(splitter: try WordSplitter(.whitespace))
    (settings.field, settings.invalidText) = (field, policy)
    let input = try write(line + [0x0A], to: "a.jsonl")
    let reader = RecordReader(try input.open(), place: input.path, delimiter: [0x0A])
    let record = try #require(try reader.next())
    return try DocumentParser(settings).parse(record, of: input) { outcome in
      guard case .document(let text, let metadata, _) = outcome else { return (nil, [:]) }
      let entries = try DocumentMetadata(decoding: ByteParser(metadata)).entries
      return (
        String(decoding: text, as: UTF8.self),
        Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.value) })
      )
    }
  }

  @Test func jsonIsUnderstood() throws {
    let cases: [(line: String, field: String, text: String)] = [
      (#"{"text":"a\u00e9\n\"\\\/\ud83d\ude00\u0000b"}"#, "text", "aé\n\"\\/😀\u{0}b"),
      (#" { "n" : [1, -2.5e+300, {"text": "no"}, null, true] , "text" : "yes" } "#, "text", "yes"),
      (#"{"n":123456789012345678901234567890,"m":1e999,"text":"large numbers"}"#, "text", "large numbers"),
      (#"{"a":{"text":"no","b":{"c":"in"}},"c":"out"}"#, "a.b.c", "in"),
      (#"{"te\u0078t":"escaped key"}"#, "text", "escaped key"),
      (#"{"text":"\\ud800 is no escape"}"#, "text", "\\ud800 is no escape"),
      (#"{"text":"trailing return"}"# + "\r", "text", "trailing return"),
      (#"{"source":"both"}"#, "source", "both"),
    ]
    for (line, field, text) in cases { #expect(try parse(Array(line.utf8), field: field).text == text) }
    let kept = try parse(Array(#"{"source":7,"license":"L","language":"","other":"o","text":"x"}"#.utf8))
    #expect(kept.metadata == ["language": "", "license": "L", "source": "a.jsonl"])
    #expect(try parse(Array(#"{"text":""}"#.utf8)).text == nil)
  }

  @Test func brokenJSONIsRefused() throws {
    let lines = [
      #"{"text":"a"}}"#, #"{"text":"a"} {"text":"b"}"#, #"{"text":"a",}"#, #"{"text" "a"}"#,
      #"{"text":"a\q"}"#,
      #"{"text":"a\u12g4"}"#, "{\"text\":\"a\u{1}\"}", #"{"n":01,"text":"a"}"#, #"{"n":1.,"text":"a"}"#,
      #"{"n":- 1,"text":"a"}"#, #"{"n":+1,"text":"a"}"#, #"{"n":1e,"text":"a"}"#, #"{"n":tru,"text":"a"}"#,
      #"{"n":[1 2],"text":"a"}"#, #"{"n":[1,,2],"text":"a"}"#, #"{"n":{"m":1],"text":"a"}"#, #"{"text":"a""#,
      #"{'text':'a'}"#, #"{"text":"a"}x"#, #"{"n":NaN,"text":"a"}"#, #"{"n":"a""b","text":"a"}"#,
    ]
    for line in lines {
      let text = errorText { _ = try parse(Array(line.utf8)) }
      #expect(text.contains("a.jsonl:1: the line is not valid JSON"), "\(line): \(text)")
    }
    let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
    let closed = Array("{\"n\":".utf8) + deep + [UInt8](repeating: UInt8(ascii: "]"), count: 100_000)
    #expect(errorText { _ = try parse(closed + Array(",\"text\":\"a\"}".utf8)) }.contains("512 deep"))
    #expect(errorKind { _ = try parse(Array("{\"n\":".utf8) + deep) } == .invalidData)
    for line in [#"{"text":"a","text":"b"}"#, #"{"text":"a","source":"b","source":"c"}"#] {
      #expect(errorText { _ = try parse(Array(line.utf8)) }.contains("occurs twice"))
    }
  }

  @Test func halvesOfSurrogatePairsFollowThePolicy() throws {
    let line = Array(#"{"text":"a\ud83d b\ude00\uD83Dc \ud83d\ude00","source":"\udbff"}"#.utf8)
    #expect(errorText { _ = try parse(line) }.contains("a.jsonl:1: \\ud83d is half of a surrogate pair"))
    let mended = try parse(line, policy: .replace)
    #expect(mended.text == "a\u{FFFD} b\u{FFFD}\u{FFFD}c 😀")
    #expect(mended.metadata["source"] == "\u{FFFD}")
    #expect(try parse(line, policy: .skip).text == nil)
  }

  /// A line that needs more memory than there is ends the process with the one message.
  @Test func wantOfMemoryForALineIsSaid() async throws {
    let result = await #expect(processExitsWith: .exitCode(78), observing: [\.standardErrorContent]) {
      let line = [UInt8](repeating: 0x20, count: 40 << 20)
      let reader = JSONDocumentReader(path: ["text"], keeping: [], withScalars: [])
      let sizes = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
      let pages = try #require(rlim_t(sizes[0]))
      var limit = rlimit()
      let kind = __rlimit_resource_t(RLIMIT_AS.rawValue)
      getrlimit(kind, &limit)
      limit.rlim_cur = pages * 4096 + (200 << 20)
      setrlimit(kind, &limit)
      line.withUnsafeBufferPointer { _ = try? reader.read($0) }
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("error: the operating system refuses 384 MiB of memory"), "\(text)")
  }

  // MARK: Files

  @Test func aTimeFarInTheFutureIsATime() throws {
    _ = try write(Array("text".utf8), to: "a.txt")
    let path = folder.appending("a.txt")
    let moment = timespec(tv_sec: 10_413_792_000, tv_nsec: 0)  // In the year 2300.
    try #require(utimensat(AT_FDCWD, path, [moment, moment], 0) == 0)
    let inputs = try InputFile.list([path])
    #expect(try InputFile.list([path]) == inputs)
  }

  /// Folders of old archives have names in Latin-1.
  @Test func aFolderWhoseNameIsNotUTF8IsAnError() throws {
    _ = try write(Array("text".utf8), to: "b.txt")
    let name = (Array("\(folder.path)/".utf8) + [0xDC] + Array("bung".utf8) + [0]).map {
      CChar(bitPattern: $0)
    }
    try #require(mkdir(name, 0o700) == 0)
    // Foundation does not remove it.
    defer { rmdir(name) }
    let text = errorText { _ = try InputFile.list([folder.path]) }
    #expect(text.contains("the folder holds a name that is not UTF-8 (\u{FFFD}bung). Rename it."), "\(text)")
  }

  // MARK: Slices

  /// Slices found by seeking hold the records that reading from the start gives them.
  @Test(arguments: [nil, "|", "ab", "\n\n", "aba"] as [String?]) func slicesAreTheSameFromAnyStart(
    separator: String?
  ) throws {
    var generator = TextGenerator(seed: 63)
    for round in 0..<40 {
      let alphabet = Array((separator ?? "\n").utf8) + Array("ab|\nxy".utf8)
      var bytes = (0..<Int.random(in: 1...400, using: &generator)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
      }
      if round % 4 == 0 { bytes += [UInt8](repeating: UInt8(ascii: "z"), count: 100) + bytes }
      let input = try write(bytes, to: separator == nil ? "a.jsonl" : "a.txt")
      var settings = PreprocessSettings(splitter: try WordSplitter(.whitespace))
      (settings.documentSeparator, settings.shardBytes) = (separator, 16)
      let delimiter = try #require(settings.delimiter(of: input.format))
      let pass = CollectingPass()
      try WorkPlan(inputs: [input], settings: settings).visit(pass, hasStandardInput: false)
      let reader = RecordReader(try input.open(), place: "a", delimiter: delimiter)
      var expected: [CollectingPass.Found] = []
      while let record = try reader.next() {
        expected.append(
          CollectingPass.Found(slice: record.offset / 16, offset: record.offset, bytes: Array(record.bytes)))
      }
      try #require(pass.found == expected)
    }
  }

  private final class CollectingPass: UnitVisitor {
    struct Found: Equatable {
      var (slice, offset): (Int, Int)
      var bytes: [UInt8]
    }
    var found: [Found] = []
    private var slice = 0
    func begin(_ unit: WorkUnit) -> Bool {
      slice = unit.slice
      return true
    }
    func visit(_ record: InputRecord, of input: InputFile) {
      found.append(Found(slice: slice, offset: record.offset, bytes: Array(record.bytes)))
    }
    func end(_ unit: WorkUnit, inputBytes: Int) {}
    func advance(to position: Int) {}
  }

  @Test func anErrorInTheMiddleOfALargeFileHasItsLine() throws {
    var lines = (0..<200).map { "{\"text\":\"line \($0)\"}" }
    lines[150] = "{\"body\":1}"
    let input = try write(Array(lines.joined(separator: "\n").utf8), to: "long.jsonl")
    var settings = PreprocessSettings(splitter: try WordSplitter(.whitespace))
    settings.shardBytes = 1024
    let text = errorText {
      _ = try Preprocessor(inputs: [input], settings: settings, output: .init(folder.appending("out"))).run()
    }
    #expect(text.contains("long.jsonl:151: there is no field"), "\(text)")
  }
}
