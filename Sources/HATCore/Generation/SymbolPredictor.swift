import HATText

/// A model for writing text. It predicts the next symbol of several documents at once and keeps its work on each, so that
/// only new symbols cost time.
///
/// Its prediction for a document depends only on that document's symbols, to the last bit: not on how they are divided
/// into calls, nor on the other documents.
public protocol SymbolPredictor: AnyObject {
  /// Symbols are 0 ..< symbolCount.
  var symbolCount: Int { get }
  /// The symbol that ends a document.
  var endSymbol: Int { get }
  /// Documents written at once, at most.
  var documentCount: Int { get }
  /// Floating-point operations of matrix products and attention done so far.
  var flops: Double { get }
  /// How often the cache of word embeddings helped so far; nil for a model without words.
  var embeddingUsage: EmbeddingUsage? { get }

  /// The bytes of a symbol; none for a mark.
  func text(of symbol: Int) -> [UInt8]
  /// The beginning of a document as symbols.
  /// - Parameter text: UTF-8, in which marks of dialogues may stand.
  func symbols(of text: [UInt8]) -> [Int]
  /// The beginning of a document that is given as the model's tokens: bytes, part of a text, or tokens of its vocabulary;
  /// marks of dialogues may stand between them.
  func symbols(ofTokens tokens: [Int]) -> [Int]

  /// Begins a document, in place of an earlier one.
  func start(_ document: Int)
  /// Forgets a document: no more is computed for it.
  func end(_ document: Int)
  /// Continues a document.
  func append(_ symbols: [Int], to document: Int)
  /// Runs the model until some documents' next symbols are predicted.
  /// - Returns: those documents, each once after its `start` or its last `append`; none when there is nothing to do.
  func predict() -> [Int]
  /// [symbolCount]: the last prediction for a document, valid until the next `predict`.
  func logits(of document: Int) -> UnsafeBufferPointer<Float>
  /// What the model allows next in a document. It does not ensure valid UTF-8.
  func rules(for document: Int) -> SymbolRules
}

/// What may come next in a document.
public struct SymbolRules: Sendable, Equatable {
  /// The symbol that ends the turn of a dialogue, to every model.
  package static let turnEnd = Int(SpecialByte.turnEnd)

  /// Bytes of text that fit.
  public var bytes = Int.max
  /// Symbols with text that fit.
  public var tokens = Int.max
  /// Whether a mark within the document may come.
  public var allowsMark = true
  /// Whether the document may end.
  public var allowsEnd = true
  /// Whether the turn of a dialogue may end.
  public var allowsTurnEnd = true

  public init() {}
}

/// A predictor that keeps nothing: before each prediction it reads the whole document again. It is the reference for
/// checking and measuring the caches of other predictors.
public final class RereadingPredictor: SymbolPredictor {
  private let predictor: any SymbolPredictor
  private var documents: [[Int]?]
  private var isNew: [Bool]

  /// - Parameter predictor: keeps no word embeddings, and is used by nothing else.
  public init(_ predictor: any SymbolPredictor) {
    self.predictor = predictor
    documents = Array(repeating: nil, count: predictor.documentCount)
    isNew = Array(repeating: false, count: predictor.documentCount)
  }

  public var symbolCount: Int { predictor.symbolCount }
  public var endSymbol: Int { predictor.endSymbol }
  public var documentCount: Int { predictor.documentCount }
  public var flops: Double { predictor.flops }
  public var embeddingUsage: EmbeddingUsage? { predictor.embeddingUsage }

  public func text(of symbol: Int) -> [UInt8] { predictor.text(of: symbol) }
  public func symbols(of text: [UInt8]) -> [Int] { predictor.symbols(of: text) }
  public func symbols(ofTokens tokens: [Int]) -> [Int] { predictor.symbols(ofTokens: tokens) }

  public func start(_ document: Int) {
    documents[document] = []
    isNew[document] = true
  }

  public func end(_ document: Int) {
    documents[document] = nil
    isNew[document] = false
    predictor.end(document)
  }

  public func append(_ symbols: [Int], to document: Int) {
    documents[document]! += symbols
    isNew[document] = true
  }

  public func predict() -> [Int] {
    let wanted = documents.indices.filter { isNew[$0] }
    for document in wanted {
      predictor.start(document)
      predictor.append(documents[document]!, to: document)
      isNew[document] = false
    }
    var predicted: [Int] = []
    while predicted.count < wanted.count { predicted += predictor.predict() }
    return wanted
  }

  public func logits(of document: Int) -> UnsafeBufferPointer<Float> { predictor.logits(of: document) }

  public func rules(for document: Int) -> SymbolRules { predictor.rules(for: document) }
}
