import HATCore
import HATKernels
import HATStorage
import HATText
import SystemPackage

/// What to train, on what, and where to keep it.
public struct TrainingJob: Sendable {
  /// What to do if the folder already holds a run.
  public enum Resume: String, Sendable, CaseIterable {
    /// Resume from its newest valid checkpoint.
    case auto
    /// Refuse to train.
    case never
  }

  public var run: FilePath
  public var configuration: Configuration
  public var data: DataDescription
  public var resume: Resume
  /// Of a subword model.
  public var tokenizer: TokenizerFile?
  /// Where the run's first parameters come from.
  public var initial: InitialParameters
  /// How matrix products are computed.
  public var arithmetic: ProductArithmetic

  public init(
    run: FilePath, configuration: Configuration, data: DataDescription, resume: Resume = .auto,
    tokenizer: TokenizerFile? = nil, initial: InitialParameters = .seed,
    arithmetic: ProductArithmetic = .fusedMultiplyAdds
  ) {
    self.run = run
    self.configuration = configuration
    self.data = data
    self.resume = resume
    self.tokenizer = tokenizer
    self.initial = initial
    self.arithmetic = arithmetic
  }
}

/// How training ended.
public enum TrainingOutcome: Sendable, Equatable {
  case finished(step: Int)
  /// Asked to stop, after a checkpoint of this step.
  case stopped(step: Int)
}

/// What a run records about its data.
public struct DataDescription: Sendable, Equatable {
  /// Name and version of the rule that splits text into words.
  public var splittingRule: String
  public var maxWordBytes: Int
  /// Covers everything that decides which text is read when: the corpora and their weights.
  public var fingerprint: String
  public var corpora: [CorpusDescription]
  /// How dialogues are written, for a run that learns from some or begins with a model that has.
  public var template: ChatTemplate

  public init(
    splittingRule: String, maxWordBytes: Int, fingerprint: String, corpora: [CorpusDescription] = [],
    template: ChatTemplate = .plain
  ) {
    self.splittingRule = splittingRule
    self.maxWordBytes = maxWordBytes
    self.fingerprint = fingerprint
    self.corpora = corpora
    self.template = template
  }
}

/// One corpus of a run.
public struct CorpusDescription: Sendable, Equatable, Codable {
  public var folder: String
  /// Its share of the bytes trained on; the weights of a run add up to 1.
  public var weight: Double
  public var fingerprint: String

  public init(folder: String, weight: Double, fingerprint: String) {
    (self.folder, self.weight, self.fingerprint) = (folder, weight, fingerprint)
  }

  /// The corpora a run was trained on last; empty if it has no record of them, as after an import.
  /// - Throws: `UserError` of kind `invalidData`.
  public static func ofRun(_ run: FilePath) throws -> [CorpusDescription] {
    try RunDescription(ofRun: run)?.corpora ?? []
  }

  /// A folder may have moved: only its content and its weight count.
  private func isSame(as other: CorpusDescription) -> Bool {
    (weight, fingerprint) == (other.weight, other.fingerprint)
  }

  /// A description of each difference between two lists.
  static func differences(_ there: [CorpusDescription], _ here: [CorpusDescription]) -> [String] {
    (0..<max(there.count, here.count)).compactMap { index in
      let old = there.indices.contains(index) ? there[index] : nil
      let new = here.indices.contains(index) ? here[index] : nil
      if let old, let new, old.isSame(as: new) { return nil }
      return "\(old?.text ?? "none"), \(new?.text ?? "none")"
    }
  }

  private var text: String { "\(folder):\(weight) (fingerprint \(fingerprint))" }
}

/// Where the parameters of a new run come from.
public enum InitialParameters: Sendable {
  /// Random, from the run's seed.
  case seed
  /// Another run's checkpoint, with the name the user gave it.
  case checkpoint(CheckpointReader, name: String)

  /// What run.json records about it; nil for the seed.
  var description: StartDescription? {
    guard case .checkpoint(let reader, let name) = self else { return nil }
    return StartDescription(
      checkpoint: name, step: reader.manifest.step, checksum: reader.manifest.parameterChecksum)
  }

  /// How the model it begins with has read dialogues.
  /// - Throws: `UserError` of kind `configuration` for a template that this version does not know.
  public func template() throws -> ChatTemplate {
    guard case .checkpoint(let reader, let name) = self else { return .plain }
    return try ChatTemplate(record: reader.manifest.template, at: name)
  }

  /// Fills ranges of the flat buffer `parameters` with initial values, which do not depend on how the ranges are cut.
  func fill(
    _ ranges: [Range<Int>], of parameters: FloatBuffer, _ table: TensorTable, seed: UInt64,
    workers: WorkerPool
  ) throws {
    switch self {
    case .seed:
      let initializer = ParameterInitializer(table, seed: seed)
      for range in ranges { initializer.fill(FlatSlice(parameters)[range], workers: workers) }
    case .checkpoint(let reader, _): try reader.read(0, ranges, into: parameters)
    }
  }
}

/// The checkpoint whose parameters a run started with.
struct StartDescription: Sendable, Equatable, Codable {
  /// As the user named it.
  var checkpoint: String
  var step: Int
  /// Checksum of its parameters.
  var checksum: Checksum

  /// A folder may have moved: only the parameters count.
  func isSame(as other: StartDescription) -> Bool { checksum == other.checksum }
}

/// Supplies a rank's micro-batches. The stream is the same on every rank; each takes its own part of it.
public protocol MicroBatchSource: AnyObject {
  associatedtype MicroBatch

  /// Where the next step's data begins. A source made with this cursor continues there.
  func cursor() throws -> String

  /// How many times each corpus has been read so far; empty for endless data.
  var epochs: [Double] { get }

  /// Advances by one step and returns this rank's micro-batches of it, in order.
  func nextStep() throws -> [MicroBatch]

  /// The documents in each of all ranks' micro-batches of the last step, named so that a user can find them. Called rarely,
  /// when a step was skipped.
  func documentsOfLastStep() throws -> [[String]]

  /// The held-out micro-batches with an index that is `owned`, the same at every call.
  func heldOut(owned: (Int) -> Bool) throws -> HeldOut<MicroBatch>

  /// Whether the data are preference pairs.
  var hasPreferencePairs: Bool { get }

  /// All preference pairs, trained on or held out, in micro-batches; those with an index that is `owned`.
  func preferencePairs(owned: (Int) -> Bool) throws -> HeldOut<MicroBatch>
}

/// Most data are not preference pairs.
extension MicroBatchSource {
  public var hasPreferencePairs: Bool { false }

  public func preferencePairs(owned: (Int) -> Bool) throws -> HeldOut<MicroBatch> {
    HeldOut(counts: [], owned: [])
  }
}

/// Micro-batches of held-out text, or of all preference pairs, corpus by corpus.
public struct HeldOut<MicroBatch> {
  /// The number from each corpus, on all ranks together.
  public var counts: [Int]
  /// This rank's, in order.
  public var owned: [MicroBatch]

  public init(counts: [Int], owned: [MicroBatch]) {
    (self.counts, self.owned) = (counts, owned)
  }
}
