import Foundation
import HATCore
import HATKernels
import HATStorage
import SystemPackage

/// RUN/run.json: what, besides config.yaml, a run's results depend on.
struct RunDescription: Codable {
  var codeVersion = CodeVersion.current
  /// XXH3 of the program that ran last.
  var programChecksum: Checksum?
  var dataFingerprint: String
  /// nil in runs of versions that knew one corpus alone.
  var corpora: [CorpusDescription]?
  var splittingRule: String
  var maxWordBytes: Int
  var seed: UInt64
  /// Of a model of tokens.
  var tokenizerChecksum: Checksum?
  /// nil where the run began with the parameters of its seed.
  var start: StartDescription?
  /// Of the matrix products; nil in runs of versions that knew but one.
  var products: ProductArithmetic?
  /// Ranks it ran on last; a power of two that divides the micro-batches changes no result.
  var ranks: Int

  init(_ job: TrainingJob, ranks: Int) {
    programChecksum = Self.checksumOfProgram()
    dataFingerprint = job.data.fingerprint
    corpora = job.data.corpora
    splittingRule = job.data.splittingRule
    maxWordBytes = job.data.maxWordBytes
    seed = job.configuration.data.seed
    tokenizerChecksum = job.tokenizer?.checksum
    start = job.start
    products = job.arithmetic
    self.ranks = ranks
  }

  private enum CodingKeys: String, CodingKey {
    case codeVersion = "code_version"
    case programChecksum = "program_checksum"
    case dataFingerprint = "data_fingerprint"
    case corpora
    case splittingRule = "splitting_rule"
    case maxWordBytes = "max_word_bytes"
    case seed
    case tokenizerChecksum = "tokenizer_checksum"
    case start
    case products
    case ranks
  }

  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }

  /// - Throws: `UserError` of kind `invalidData`.
  static func read(from path: FilePath) throws -> RunDescription {
    let file = try FileReader(opening: path)
    do {
      return try JSONDecoder().decode(
        RunDescription.self, from: Data(try file.read(at: 0, count: min(file.length, 1 << 20))))
    } catch let error as DecodingError {
      throw UserError(
        .invalidData, at: path.string, "it is damaged: \(error)",
        hint: "Remove it: it is written anew, from the data named now.")
    }
  }

  /// How the run in that folder has computed matrix products so far; nil where there is none.
  /// - Throws: `UserError` of kind `invalidData`.
  static func products(ofRun run: FilePath) throws -> ProductArithmetic? {
    let path = RunFolder.descriptionFile(run)
    guard DurableFile.exists(path) else { return nil }
    return try read(from: path).products ?? .fusedMultiplyAdds
  }

  private static func checksumOfProgram() -> Checksum? {
    guard let file = try? FileReader(opening: "/proc/self/exe"),
      let bytes = try? file.read(at: 0, count: file.length)
    else { return nil }
    return Checksum(of: bytes)
  }
}
