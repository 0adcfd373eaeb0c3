/// A predictor that keeps nothing: before each prediction it reads again all that a document holds. What the caches of
/// another are checked against, and measured against.
public final class RereadingPredictor: SymbolPredictor {
  private let predictor: any SymbolPredictor
  private var documents: [[Int]?]
  private var isNew: [Bool]

  /// - Parameter predictor: which keeps no word embeddings, and serves this one alone.
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

  public func start(_ document: Int) {
    documents[document] = []
    isNew[document] = true
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
