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
  private let embedding: ConstantMatrixView
  private let ngrams: NgramTables
  private let weights: ModelWeights
  /// Token embeddings to logits.
  private let backbone: IncrementalModule
  private var documents: [SubwordDocument?]

  /// - Parameters:
  ///   - weights: must not change while the predictor lives.
  ///   - vocabulary: the model's.
  ///   - documents: written at once, at most.
  ///   - contextWords: words, and `contextBytes` bytes, of a sequence the model was trained with.
  ///   - threads: to compute with; predictions are the same for any number.
  ///   - precision: of products; in bf16 the packed weights take half the memory.
  public init(
    _ model: ModelConfiguration, _ weights: ModelWeights, vocabulary: SubwordVocabulary,
    documents: Int = 1, contextWords: Int, contextBytes: Int, threads: Int = 1,
    precision: Precision = .float32
  ) {
    precondition(vocabulary.count == model.vocabulary)
    let tensors = SubwordTensors(model)
    let kernels = ModelKernels(workers: WorkerPool(threads: threads), arithmetic: .ofFewRows(precision))
    self.vocabulary = vocabulary
    encoder = SubwordEncoder(vocabulary)
    limits = ContextLimits(words: contextWords, bytes: contextBytes, vocabulary)
    documentCount = documents
    self.documents = Array(repeating: nil, count: documents)
    self.weights = weights
    embedding = weights.front[tensors.tokenEmbedding]
    ngrams = tensors.tokenNgrams
    backbone = IncrementalModule(
      IncrementalStack(
        model.backbone, tensors.backbone.blocks, weights.blocks, sequences: documents,
        positions: limits.tokens, kernels: kernels, roundsActivations: precision == .bf16),
      norm: weights.back[tensors.backbone.norm], weight: weights.back[tensors.head],
      documents: documents, kernels: kernels)
  }

  public var symbolCount: Int { vocabulary.count }
  public var flops: Double { backbone.flops }

  public func text(of symbol: Int) -> [UInt8] {
    SpecialByte.isDialogueMark(symbol: symbol) ? [] : Array(vocabulary.bytes(of: Int32(symbol)))
  }
  public func symbols(of text: [UInt8]) -> [Int] { encoder.encode(text).map(Int.init) }
  public func symbols(ofTokens tokens: [Int]) -> [Int] { tokens }

  public func start(_ document: Int) { documents[document] = SubwordDocument() }

  public func end(_ document: Int) { documents[document] = nil }

  public func append(_ symbols: [Int], to document: Int) {
    for symbol in symbols { documents[document]!.append(Int32(symbol), limits) }
  }

  public func predict() -> [Int] {
    let ready = documents.indices.filter { documents[$0]?.awaitsModel ?? false }
    backbone.run(ready) {
      documents[$0]!.takeTokens()
    } fill: { indices, owners, view in
      for (row, (index, document)) in zip(indices, owners).enumerated() {
        let context = documents[document]!.context
        view.row(row).update(from: embedding.row(Int(context[index])), count: view.columns)
        ngrams.add(endingAt: index, of: context, weights.front, to: view.row(row))
      }
    }
    return ready
  }

  public func logits(of document: Int) -> UnsafeBufferPointer<Float> { backbone.output(of: document) }

  /// Any token may follow any other, and a turn may end anywhere.
  public func rules(for document: Int) -> SymbolRules { SymbolRules() }
}

/// How far one document has come with the subword baseline.
///
/// When the context is full, its older half is dropped and the rest is read again, like the continuation piece of a
/// document.
struct SubwordDocument {
  /// The document mark, or the last dropped token, and the tokens after it.
  private(set) var context = [SubwordVocabulary.documentMark]
  /// Words that begin after the first token of the context.
  private var words = 0
  /// Tokens of the context that the model has read; 0 where it has to start again.
  private var readTokens = 0

  var awaitsModel: Bool { readTokens < context.count }

  mutating func append(_ token: Int32, _ limits: ContextLimits) {
    let opensWord = limits.opensWord(token, behind: context.last!)
    // Cut again if all words begin in the half that stays.
    while context.count == limits.tokens || (opensWord && words == limits.words) {
      context.removeFirst(context.count - context.count / 2)
      words = zip(context, context.dropFirst()).count { limits.opensWord($1, behind: $0) }
      readTokens = 0
    }
    context.append(token)
    if opensWord { words += 1 }
  }

  /// The tokens that the model has not read, which it reads now, as indices of the context.
  mutating func takeTokens() -> NewRows<Int> {
    defer { readTokens = context.count }
    return NewRows(rows: Array(readTokens..<context.count), isStart: readTokens == 0)
  }
}

/// How much of a document the baseline was trained to see: the words and bytes of a sequence.
struct ContextLimits {
  let words: Int
  /// A token has at least one byte.
  let tokens: Int
  /// [V]: whether a token begins, or ends, with ASCII white space; other white space is too rare to matter here.
  private let beginsWithSpace: [Bool]
  private let endsWithSpace: [Bool]

  init(words: Int, bytes: Int, _ vocabulary: SubwordVocabulary) {
    func isSpace(_ byte: UInt8?) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte ?? 0) }
    (self.words, tokens) = (max(2, words), max(4, bytes))
    let texts = (0..<vocabulary.count).map { vocabulary.bytes(of: Int32($0)) }
    beginsWithSpace = texts.map { isSpace($0.first) }
    endsWithSpace = texts.map { isSpace($0.last) }
  }

  /// A mark is a word by itself.
  func opensWord(_ token: Int32, behind last: Int32) -> Bool {
    isMark(last) || isMark(token) || (endsWithSpace[Int(last)] && !beginsWithSpace[Int(token)])
  }

  private func isMark(_ token: Int32) -> Bool {
    token == SubwordVocabulary.documentMark || SpecialByte.isDialogueMark(symbol: Int(token))
  }
}
