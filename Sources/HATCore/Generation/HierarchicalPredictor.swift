import HATKernels
import HATText

/// The hierarchical model as a predictor of symbols: bytes, `[W]` and `[S]`.
///
/// The decoder spells the words of all documents together, a byte of each at a time. Complete words wait until at least as
/// many documents wait as spell, so that the backbone, the largest part of the model, reads its weights for many words at
/// once. Legend: `d` byte width, `D` backbone width.
public final class HierarchicalPredictor: SymbolPredictor {
  /// Word embeddings kept by default.
  public static let defaultEmbeddings = 4096

  public let symbolCount = 256
  public let endSymbol = Int(SpecialByte.document)
  public let documentCount: Int
  private let splitter: WordSplitter
  private let contextWords: Int
  private let embeddings: WordEmbeddings
  /// Word embeddings to W_D·h.
  private let backbone: IncrementalModule
  /// W_D·h and byte embeddings to logits.
  private let decoder: IncrementalModule
  /// [256, d]
  private let byteEmbedding: ConstantMatrixView
  /// Of the decoder.
  private let ngrams: NgramTables
  private let prefixes: PrefixTables
  private let weights: ModelWeights
  private var documents: [HierarchicalDocument?]

  /// - Parameters:
  ///   - weights: must not change while the predictor lives.
  ///   - splitter: the rule and the longest word the model was trained with.
  ///   - documents: written at once, at most.
  ///   - contextWords: words the backbone was trained to see; at least 2 are used.
  ///   - embeddings: words whose embeddings are kept, at most.
  ///   - threads: to compute with; predictions are the same for any number.
  ///   - precision: of products; in bf16 the packed weights take half the memory.
  public init(
    _ model: ModelConfiguration, _ weights: ModelWeights, splitter: WordSplitter, documents: Int = 1,
    contextWords: Int, embeddings: Int = defaultEmbeddings, threads: Int = 1,
    precision: Precision = .float32
  ) {
    let tensors = HierarchicalTensors(model)
    let kernels = ModelKernels(
      workers: WorkerPool(threads: threads), arithmetic: .ofFewRows(precision), packsWeights: true)
    self.splitter = splitter
    self.contextWords = max(2, contextWords)
    documentCount = documents
    self.documents = Array(repeating: nil, count: documents)
    self.weights = weights
    byteEmbedding = weights.front[tensors.byteEmbedding]
    (ngrams, prefixes) = (tensors.decoderNgrams, tensors.decoderPrefixes)
    self.embeddings = WordEmbeddings(
      model,
      embedder: WordEmbedder(model, weights, maxWordBytes: splitter.maximumWordBytes, kernels: kernels),
      capacity: embeddings)
    backbone = IncrementalModule(
      IncrementalStack(
        model.backbone, tensors.backbone.blocks, weights.blocks, sequences: documents,
        positions: self.contextWords, kernels: kernels, roundsActivations: precision == .bf16),
      norm: weights.back[tensors.backbone.norm], weight: weights.back[tensors.decoderInput],
      documents: documents, kernels: kernels)
    decoder = IncrementalModule(
      IncrementalStack(
        model.decoder, tensors.decoder.blocks,
        Array(repeating: weights.back, count: model.decoderLayers), sequences: documents,
        positions: splitter.maximumWordBytes + 1, kernels: kernels),
      norm: weights.back[tensors.decoder.norm], weight: weights.back[tensors.decoderHead],
      documents: documents, kernels: kernels)
  }

  public var flops: Double { embeddings.flops + backbone.flops + decoder.flops }
  public var embeddingUsage: EmbeddingUsage? { embeddings.usage }

  public func text(of symbol: Int) -> [UInt8] {
    let byte = UInt8(symbol)
    return byte == SpecialByte.word || SpecialByte.isMark(byte) ? [] : [byte]
  }

  /// The bytes of the words with `[W]` between them. None follows the last word, which may become longer. A mark of a
  /// dialogue is a word by itself: text before it ends with `[W]`, and none follows it.
  public func symbols(of text: [UInt8]) -> [Int] {
    var symbols: [Int] = []
    for part in MarkedTextPart.parts(of: text) {
      switch part {
      case .text(let text): symbols += self.symbols(ofWords: Array(text))
      case .mark(let mark):
        if let last = symbols.last, !SpecialByte.isDialogueMark(symbol: last) {
          symbols.append(Int(SpecialByte.word))
        }
        symbols.append(Int(mark))
      }
    }
    return symbols
  }

  private func symbols(ofWords text: [UInt8]) -> [Int] {
    let lengths = splitter.split(partOfText: text)
    precondition(lengths != nil, "text is UTF-8")
    return Array(
      lengths!.wordRanges.map { text[$0].map(Int.init) }.joined(separator: [Int(SpecialByte.word)]))
  }

  public func symbols(ofTokens tokens: [Int]) -> [Int] { symbols(of: tokens.map { UInt8($0) }) }

  public func start(_ document: Int) {
    documents[document] = HierarchicalDocument(contextWords: contextWords)
  }

  public func end(_ document: Int) { documents[document] = nil }

  public func append(_ symbols: [Int], to document: Int) {
    for symbol in symbols { documents[document]!.append(UInt8(symbol)) }
  }

  public func predict() -> [Int] {
    let waiting = documents.indices.filter { documents[$0]?.awaitsBackbone ?? false }
    let spelling = documents.indices.filter { documents[$0]?.awaitsDecoder ?? false }
    guard waiting.count >= spelling.count else {
      decode(spelling)
      return spelling
    }
    read(waiting)
    let ready = documents.indices.filter { documents[$0]?.awaitsDecoder ?? false }
    decode(ready)
    return ready
  }

  public func logits(of document: Int) -> UnsafeBufferPointer<Float> { decoder.output(of: document) }

  /// A word has at least one byte and at most those the model was trained with; documents and turns end between words.
  public func rules(for document: Int) -> SymbolRules {
    let length = documents[document]!.word.count
    var rules = SymbolRules()
    rules.bytes = splitter.maximumWordBytes - length
    rules.allowsMark = length > 0
    rules.allowsEnd = length == 0
    rules.allowsTurnEnd = length == 0
    return rules
  }

  /// Runs encoder and backbone over the new words of documents.
  private func read(_ waiting: [Int]) {
    backbone.run(waiting) {
      documents[$0]!.takeWords()
    } fill: { words, _, view in
      embeddings.embed(Array(words), into: view)
    }
  }

  /// Runs the decoder over the new bytes of documents, and over W_D·h where a word begins.
  private func decode(_ ready: [Int]) {
    decoder.run(ready) {
      documents[$0]!.takeRows()
    } fill: { indices, owners, view in
      for (row, (index, document)) in zip(indices, owners).enumerated() {
        fillDecoderRow(view.row(row), of: document, byte: index)
      }
    }
  }

  /// Fills a row [d] of the decoder's input: that of byte `index` of the word being spelled, or W_D·h.
  private func fillDecoderRow(_ row: FloatPointer, of document: Int, byte index: Int?) {
    let (word, previous) = (documents[document]!.word, documents[document]!.previousWord)
    if let index {
      row.update(from: byteEmbedding.row(Int(word[index])), count: byteEmbedding.columns)
      ngrams.add(endingAt: index, of: word, weights.back, to: row)
    } else {
      row.update(from: backbone.output(of: document).baseAddress!, count: byteEmbedding.columns)
    }
    prefixes.add(word.prefix(index.map { $0 + 1 } ?? 0), behind: previous, weights.back, to: row)
  }
}

/// One document with the hierarchical model: the words that the backbone reads, and the word that the decoder spells.
///
/// When the context is full, its older half is dropped and the rest is read again, like the continuation piece of a
/// document.
struct HierarchicalDocument {
  private let contextWords: Int
  /// `[S]` and the words after it, as far as they are kept.
  private var context: [[UInt8]] = [[SpecialByte.document]]
  /// Words of the context that the backbone has read; 0 where it has to start again.
  private var readWords = 0
  /// The bytes so far of the word being spelled.
  private(set) var word: [UInt8] = []
  /// Rows of that word that the decoder has run: W_D·h, then its bytes.
  private var decodedRows = 0

  /// - Parameter contextWords: that the backbone sees, at least 2.
  init(contextWords: Int) { self.contextWords = contextWords }

  /// The word before that, or the document mark.
  var previousWord: [UInt8] { context.last! }
  var awaitsBackbone: Bool { readWords < context.count }
  var awaitsDecoder: Bool { !awaitsBackbone && decodedRows <= word.count }

  mutating func append(_ symbol: UInt8) {
    if SpecialByte.isDialogueMark(symbol) {
      precondition(word.isEmpty, "a mark stands between words")
      word = [symbol]
    } else if symbol != SpecialByte.word {
      return word.append(symbol)
    }
    if context.count == contextWords {
      context.removeFirst(context.count - context.count / 2)
      readWords = 0
    }
    context.append(word)
    word = []
    decodedRows = 0
  }

  /// The words that the backbone has not read, which it reads now.
  mutating func takeWords() -> NewRows<[UInt8]> {
    defer { readWords = context.count }
    return NewRows(rows: Array(context[readWords...]), isStart: readWords == 0)
  }

  /// The rows that the decoder has not run, which it runs now: nil for W_D·h, and indices of the word's bytes.
  mutating func takeRows() -> NewRows<Int?> {
    defer { decodedRows = word.count + 1 }
    let rows = (decodedRows...word.count).map { $0 == 0 ? nil : $0 - 1 }
    return NewRows(rows: rows, isStart: decodedRows == 0)
  }
}
