import HAT
import HATCore
import HATKernels
import HATStorage
import HATTerminal
import HATText
import SystemPackage

/// Documents or questions that a model is evaluated on.
protocol MeasuredSubject {
  associatedtype Unit: Tally

  /// Its name in reports.
  var kind: String { get }

  /// - Throws: `UserError` if the model cannot be evaluated on this.
  func requireFit(of loaded: LoadedModel) throws
  /// A tally for each document or question; never empty.
  func units(_ scorer: some TextScorer, _ perturbation: AppliedPerturbation?) throws -> [Unit]
}

/// A model to evaluate, with the name the user gave it.
struct MeasuredModel {
  let name: String
  let loaded: LoadedModel
  let scorer: any TextScorer

  /// - Parameters:
  ///   - name: `RUN` or `RUN@step`.
  ///   - threads: results are the same for any number.
  ///   - precision: of products; nil for that of its training.
  /// - Throws: `UserError` if there is no such checkpoint or it is damaged.
  init(_ name: String, threads: Int, precision: Precision?) throws {
    self.name = name
    loaded = try LoadedModel(name, threads: threads, precision: precision) { Terminal.warning($0) }
    scorer = loaded.makeScorer()
  }
}

extension MeasuredSubject {
  /// - Parameter other: a second model to evaluate on the same.
  func report(
    on model: MeasuredModel, against other: MeasuredModel?, _ perturbation: AppliedPerturbation?
  ) throws -> EvaluationReport {
    let own = try measured(model, perturbation)
    let comparison = try other.map { other in
      let others = try measured(other, perturbation)
      return EvaluationReport.Comparison(
        against: .init(other, others), differences: own.differences(from: others),
        dropRatios: own.dropRatios(of: others))
    }
    return EvaluationReport(
      kind: kind, perturbation: perturbation, own: .init(model, own), comparison: comparison)
  }

  private func measured(
    _ model: MeasuredModel, _ perturbation: AppliedPerturbation?
  ) throws -> MeasuredUnits<Unit> {
    try requireFit(of: model.loaded)
    return MeasuredUnits(
      clean: try units(model.scorer, nil), perturbed: try perturbation.map { try units(model.scorer, $0) })
  }
}

/// The documents of a part of a corpus.
struct MeasuredCorpus: MeasuredSubject {
  let kind = "text"
  let corpus: Corpus
  let part: CorpusPart

  func requireFit(of loaded: LoadedModel) throws { try loaded.requireSameSplitting(as: corpus) }

  func units(_ scorer: some TextScorer, _ perturbation: AppliedPerturbation?) throws -> [TextTally] {
    guard perturbation == nil || corpus.documents == .text else {
      throw UserError(
        .wrongUsage, at: corpus.folder.string,
        "its documents are \(corpus.documents.rawValue), and only text is perturbed",
        hint: "Leave --perturb out.")
    }
    let progress = ProgressLine("evaluate", unit: .bytes)
    defer { progress.clear() }
    let total = corpus.counts(part).bytes
    var (tallies, bytes) = ([TextTally](), 0)
    try corpus.forEachDocument(of: part) { document in
      let tally =
        if let perturbation {
          try scorer.score(document: perturbation(document.text))
        } else {
          try scorer.score(document)
        }
      tallies.append(tally)
      bytes += document.text.count
      progress.update(bytes, of: total)
    }
    guard !tallies.isEmpty else { throw noDocuments }
    return tallies
  }

  private var noDocuments: UserError {
    UserError(
      .invalidData, at: corpus.folder.string, "its part \(part.rawValue) has no documents",
      hint: part == .holdout
        ? "Preprocess with a larger --holdout, or add --part train." : "Preprocess some text.")
  }
}

/// A text file as one document.
struct MeasuredFile: MeasuredSubject {
  let kind = "text"
  private let text: [UInt8]

  /// - Throws: `UserError`: `missingInput`; `invalidData` if it is empty or not UTF-8.
  init(_ path: String) throws {
    let file = try FileReader(opening: FilePath(path))
    text = try file.read(at: 0, count: file.length)
    guard !text.isEmpty else {
      throw UserError(.invalidData, at: path, "the file is empty", hint: "Give a file with text.")
    }
    if let byte = TextValidation.firstInvalidByte(in: text) {
      throw UserError(
        .invalidData, at: path, "it is not valid UTF-8 (byte \(byte))", hint: "Convert it to UTF-8.")
    }
  }

  func requireFit(of loaded: LoadedModel) {}

  func units(_ scorer: some TextScorer, _ perturbation: AppliedPerturbation?) throws -> [TextTally] {
    [try scorer.score(document: perturbation?(text) ?? text)]
  }
}

/// A file of questions of one kind.
struct MeasuredQuestions<Kind: Question>: MeasuredSubject {
  let kind: String
  private let file: QuestionFile<Kind>

  init(kind: String, _ file: QuestionFile<Kind>) {
    (self.kind, self.file) = (kind, file)
  }

  func requireFit(of loaded: LoadedModel) {}

  func units(_ scorer: some TextScorer, _ perturbation: AppliedPerturbation?) throws -> [Kind.Result] {
    let progress = ProgressLine("evaluate", unit: .items("questions"))
    defer { progress.clear() }
    return try file.ask(scorer, perturbation: perturbation?.kind, seed: perturbation?.seed ?? 0) {
      progress.update($0, of: file.count)
    }
  }
}
