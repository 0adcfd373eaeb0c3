import HATKernels
import HATStorage

/// Writes text with a trained model, several documents at once: it draws each symbol from the model's prediction and gives
/// it back to the model.
///
/// It draws only symbols that keep the text valid UTF-8. The text of a document does not depend on the other documents.
public final class TextGenerator {
  /// Why a document ended.
  public enum End: Sendable, Equatable {
    /// The model closed the document.
    case documentMark
    /// It has as many bytes as asked for.
    case limit
  }

  /// A document being written.
  private struct Document {
    var prefix = UTF8Prefix()
    /// Bytes drawn.
    var count = 0
    /// Drawn bytes of a scalar that is not whole.
    var unwritten: [UInt8] = []
  }

  private let predictor: any SymbolPredictor
  private let texts: SymbolTexts
  private var documents: [Document] = []

  public init(_ predictor: any SymbolPredictor) {
    self.predictor = predictor
    texts = SymbolTexts(predictor)
  }

  /// Begins documents, in place of earlier ones.
  /// - Parameter prompts: their beginnings, valid UTF-8; at most as many as the predictor has room for.
  public func read(_ prompts: [[UInt8]]) { read(symbols: prompts.map(predictor.symbols)) }

  package func read(symbols prompts: [[Int]]) {
    precondition(prompts.count <= predictor.documentCount)
    documents = prompts.map { _ in Document() }
    for (document, symbols) in prompts.enumerated() {
      predictor.start(document)
      predictor.append(symbols, to: document)
    }
    var predicted = 0
    while predicted < documents.count { predicted += predictor.predict().count }
  }

  /// Continues the documents that `read` began. Call it once.
  /// - Parameters:
  ///   - byteLimit: bytes to write in each, at most; a scalar that would exceed it is not begun
  ///   - samplers: one for each document
  ///   - mayEnd: whether the model may close a document
  ///   - write: takes a document's number and whole scalars
  /// - Returns: why each ended.
  /// - Throws: what `write` throws; `UserError` of kind `invalidData` where predictions are not finite.
  public func write(
    byteLimit: Int, samplers: inout [Sampler], mayEnd: Bool = true,
    to write: (_ document: Int, _ text: [UInt8]) throws -> Void
  ) throws -> [End] {
    precondition(samplers.count == documents.count)
    var ends: [End] = documents.map { _ in .limit }
    var predicted = Array(documents.indices)
    while !predicted.isEmpty {
      for document in predicted where !isComplete(document, byteLimit) {
        let allowed = allowed(in: document, byteLimit: byteLimit, mayEnd: mayEnd)
        let symbol = samplers[document].next(try finiteLogits(of: document), allows: allowed.contains)
        if symbol == predictor.endSymbol {
          ends[document] = .documentMark
        } else {
          try take(symbol, document, write)
        }
      }
      predicted = predictor.predict()
    }
    return ends
  }

  private func finiteLogits(of document: Int) throws -> UnsafeBufferPointer<Float> {
    let logits = predictor.logits(of: document)
    guard Vector.allFinite(logits.baseAddress!, count: logits.count) else {
      throw UserError.notFinite("predictions")
    }
    return logits
  }

  private func isComplete(_ document: Int, _ byteLimit: Int) -> Bool {
    documents[document].count >= byteLimit && documents[document].prefix.isAtBoundary
  }

  private func allowed(in document: Int, byteLimit: Int, mayEnd: Bool) -> AllowedSymbols {
    var rules = predictor.rules(for: document)
    rules.bytes = min(rules.bytes, byteLimit - documents[document].count)
    rules.allowsEnd = rules.allowsEnd && mayEnd
    return AllowedSymbols(
      texts: texts, prefix: documents[document].prefix, rules: rules, endSymbol: predictor.endSymbol)
  }

  private func take(
    _ symbol: Int, _ document: Int, _ write: (_ document: Int, _ text: [UInt8]) throws -> Void
  ) rethrows {
    predictor.append([symbol], to: document)
    let bytes = texts[symbol]
    documents[document].count += bytes.count
    documents[document].unwritten += bytes
    var whole = 0
    for (index, byte) in bytes.enumerated() {
      documents[document].prefix.append(byte)
      if documents[document].prefix.isAtBoundary {
        whole = documents[document].unwritten.count - (bytes.count - 1 - index)
      }
    }
    guard whole > 0 else { return }
    try write(document, Array(documents[document].unwritten.prefix(whole)))
    documents[document].unwritten.removeFirst(whole)
  }
}
