import Foundation
import HATCore
import HATStorage

/// Text that a model wrote during training.
public struct TextSample: Sendable, Equatable {
  public var prompt: String
  /// What the model wrote after it.
  public var text: String
  /// Whether the model closed the document, or its turn of a dialogue.
  public var hasEnded: Bool

  public init(prompt: String, text: String, hasEnded: Bool) {
    (self.prompt, self.text, self.hasEnded) = (prompt, text, hasEnded)
  }
}

/// Writes a sample with all parameters of a model, which do not change meanwhile, and the template of its dialogues.
/// It throws a `UserError` where predictions are not finite.
public typealias SampleWriter = (ModelWeights, ChatTemplate) throws -> TextSample

extension Trainer {
  /// Writes a line to samples.jsonl. Collective: rank 0 writes the text, and needs the parameters of all.
  func sample(by write: SampleWriter) throws {
    log.begin(.sample, step: step)
    let weights = try parameters.whole()
    if let folder, let weights {
      do {
        let sample = try write(weights, template)
        try folder.samples?.append(
          LoggedSample(step: step, prompt: sample.prompt, text: sample.text, hasEnded: sample.hasEnded)
            .jsonLine)
        observe(.sampled(step: step, sample))
      } catch let error as UserError where error.kind == .invalidData {
        observe(.note("no sample at step \(step): \(error.problem)"))
      }
    }
    // The others wait here, not in the next step, whose time is watched and measured.
    try communicator.barrier()
  }
}

extension Encodable {
  /// As a line of a file of JSON objects, with keys in snake_case.
  var jsonLine: String {
    get throws { String(decoding: try JSONFile.encoded(self), as: UTF8.self) }
  }
}
