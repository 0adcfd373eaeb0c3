/// A model as text is written with it: it predicts the next symbol of several documents at once and keeps what it has
/// worked out of each, so that a symbol costs what is new alone.
///
/// What it predicts of a document depends on that document's symbols alone, to the last bit: not on how they are shared
/// out to calls, nor on the documents beside it.
public protocol SymbolPredictor: AnyObject {
  /// Symbols are 0 ..< symbolCount.
  var symbolCount: Int { get }
  /// The symbol that ends a document.
  var endSymbol: Int { get }
  /// Documents there may be at once.
  var documentCount: Int { get }
  /// Floating-point operations of matrix products and attention done so far.
  var flops: Double { get }
  /// How often the cache of word embeddings helped so far; nil for a model without words.
  var embeddingUsage: EmbeddingUsage? { get }

  /// The bytes a symbol stands for; none of a mark.
  func text(of symbol: Int) -> [UInt8]
  /// A document's beginning in symbols.
  func symbols(of text: [UInt8]) -> [Int]

  /// Begins a document anew.
  func start(_ document: Int)
  /// Goes on with a document.
  func append(_ symbols: [Int], to document: Int)
  /// Runs the model until some documents' next symbols are predicted.
  /// - Returns: those documents, each once after its `start` or its last `append`; none when there is nothing to do.
  func predict() -> [Int]
  /// [symbolCount]: of the last prediction for a document, valid until the next `predict`.
  func logits(of document: Int) -> UnsafeBufferPointer<Float>
  /// What the model lets come next in a document. That text stays valid UTF-8 is not its concern.
  func rules(for document: Int) -> SymbolRules
}

/// What may come next in a document.
public struct SymbolRules: Sendable, Equatable {
  /// Bytes of text there is room for.
  public var bytes = Int.max
  /// Whether a mark within the document may come.
  public var allowsMark = true
  /// Whether the document may end.
  public var allowsEnd = true

  public init() {}
}
