/// Writes text with a trained model, several documents at once: it draws each symbol from the model's prediction and gives
/// it back to the model.
///
/// It draws only symbols that keep the text valid UTF-8. The text of a document does not depend on the other documents.
public final class TextGenerator {
  /// Why a document ended.
  public enum End: Sendable, Equatable {
    /// The model closed the document.
    case documentMark
    /// The model closed its turn of a dialogue.
    case turnEnd
    /// It has as many bytes as asked for.
    case limit
  }

  private let predictor: any SymbolPredictor
  private let texts: SymbolTexts
  private var prompts: [[Int]] = []
  private var documents: [WrittenDocument] = []

  public init(_ predictor: any SymbolPredictor) {
    self.predictor = predictor
    texts = SymbolTexts(predictor)
  }

  /// Begins documents, in place of earlier ones.
  /// - Parameter prompts: their beginnings, valid UTF-8, also those that a `ChatTemplate` gives; at most as many as the
  ///   predictor has room for.
  public func read(_ prompts: [[UInt8]]) { read(symbols: prompts.map(predictor.symbols)) }

  package func read(symbols prompts: [[Int]]) {
    precondition(prompts.count <= predictor.documentCount)
    self.prompts = prompts
    for (document, symbols) in prompts.enumerated() {
      predictor.start(document)
      predictor.append(symbols, to: document)
    }
    var predicted = 0
    while predicted < prompts.count { predicted += predictor.predict().count }
  }

  /// Continues the documents that `read` began. Call it once.
  /// - Parameters:
  ///   - byteLimit: bytes to write in each, at most; a scalar that would exceed it is not begun
  ///   - samplers: one for each document
  ///   - mayEnd: whether the model may close a document, or its turn of a dialogue
  ///   - write: takes a document's number and whole scalars
  /// - Returns: why each ended.
  /// - Throws: what `write` throws; `UserError` of kind `invalidData` where predictions are not finite.
  public func write(
    byteLimit: Int, samplers: inout [Sampler], mayEnd: Bool = true,
    to write: (_ document: Int, _ text: [UInt8]) throws -> Void
  ) throws -> [End] {
    precondition(samplers.count == prompts.count)
    documents = prompts.map { WrittenDocument(bytes: byteLimit, mayEnd: mayEnd, behind: $0) }
    var ends: [End] = documents.map { _ in .limit }
    var predicted = Array(documents.indices)
    while !predicted.isEmpty {
      for document in predicted where !documents[document].isComplete {
        let symbol = try documents[document].drawn(by: &samplers[document], document, predictor, texts)
        if let end = predictor.end(by: symbol) {
          ends[document] = end
        } else {
          predictor.append([symbol], to: document)
          let text = documents[document].take(texts[symbol])
          if !text.isEmpty { try write(document, text) }
        }
      }
      predicted = predictor.predict()
    }
    return ends
  }
}

extension SymbolPredictor {
  /// What a drawn symbol ends; nil for one that goes on.
  package func end(by symbol: Int) -> TextGenerator.End? {
    switch symbol {
    case endSymbol: .documentMark
    case SymbolRules.turnEnd: .turnEnd
    default: nil
    }
  }
}
