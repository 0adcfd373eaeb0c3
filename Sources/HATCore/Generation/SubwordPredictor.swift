import HATKernels
import HATText

/// The subword baseline as a predictor of symbols: its tokens. Legend: V vocabulary, `D` width.
public final class SubwordPredictor: SymbolPredictor {
  public let documentCount: Int
  public let endSymbol = Int(SubwordVocabulary.documentMark)
  public let embeddingUsage: EmbeddingUsage? = nil
  private let vocabulary: SubwordVocabulary
  private let encoder: SubwordEncoder
  private let limits: ContextLimits
  /// [V, D]
  private let embedding: MatrixView
  /// Token embeddings to logits.
  private let backbone: IncrementalModule
  private var documents: [SubwordDocument?]

  /// - Parameters:
  ///   - parameters: a buffer of the model's layout, which must outlive the predictor.
  ///   - vocabulary: the model's.
  ///   - documents: that there may be at once.
  ///   - contextWords: words, and `contextBytes` bytes, of a sequence the model was trained with.
  ///   - threads: to compute with; predictions are the same for any number.
  public init(
    _ model: ModelConfiguration, parameters: UnsafePointer<Float>, vocabulary: SubwordVocabulary,
    documents: Int = 1, contextWords: Int, contextBytes: Int, threads: Int = 1
  ) {
    precondition(vocabulary.count == model.vocabulary)
    let (layout, kernels) = (SubwordLayout(model), ModelKernels(pool: WorkerPool(threads: threads)))
    self.vocabulary = vocabulary
    encoder = SubwordEncoder(vocabulary)
    limits = ContextLimits(words: contextWords, bytes: contextBytes, vocabulary)
    documentCount = documents
    self.documents = Array(repeating: nil, count: documents)
    let weights = FloatPointer(mutating: parameters)
    func tokenMatrix(_ offset: Int) -> MatrixView {
      MatrixView(weights + offset, rows: model.vocabulary, columns: model.width)
    }
    embedding = tokenMatrix(layout.tokenEmbedding)
    backbone = IncrementalModule(
      IncrementalStack(
        model.backbone, offsets: layout.backbone, parameters: parameters, sequences: documents,
        positions: limits.tokens, kernels: kernels),
      norm: weights + layout.backbone.norm, weight: tokenMatrix(layout.head), documents: documents,
      kernels: kernels)
  }

  public var symbolCount: Int { vocabulary.count }
  public var flops: Double { backbone.flops }

  public func text(of symbol: Int) -> [UInt8] { Array(vocabulary.bytes(of: Int32(symbol))) }
  public func symbols(of text: [UInt8]) -> [Int] { encoder.encode(text).map(Int.init) }

  public func start(_ document: Int) {
    documents[document] = SubwordDocument()
  }

  public func append(_ symbols: [Int], to document: Int) {
    for symbol in symbols { documents[document]!.append(Int32(symbol), limits) }
  }

  public func predict() -> [Int] {
    var (rows, tokens): ([Int], [Int32]) = ([], [])
    let ready = documents.indices.filter { !(documents[$0]?.unreadTokens.isEmpty ?? true) }
    for document in ready {
      if documents[document]!.readTokens == 0 { backbone.reset(document) }
      let unread = documents[document]!.unreadTokens
      tokens += unread
      rows += repeatElement(document, count: unread.count)
      documents[document]!.markRead()
    }
    backbone.run(rows) { range, rows in
      tokens.withUnsafeBufferPointer {
        Vector.gatherRows(embedding, indices: $0.baseAddress! + range.lowerBound, into: rows)
      }
    }
    return ready
  }

  public func logits(of document: Int) -> UnsafeBufferPointer<Float> { backbone.output(of: document) }

  /// Any token may follow any other.
  public func rules(for document: Int) -> SymbolRules { SymbolRules() }
}
