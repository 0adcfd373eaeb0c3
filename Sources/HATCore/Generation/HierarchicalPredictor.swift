import HATKernels
import HATText

/// The hierarchical model as a predictor of symbols: bytes, `[W]` and `[S]`.
///
/// The decoder spells documents' words side by side, a byte of each at a time. A word that is complete waits until as
/// many documents wait as spell, so that the backbone, the largest part of the model, reads its weights for many words at
/// once. Legend: `d` byte width, `D` backbone width.
public final class HierarchicalPredictor: SymbolPredictor {
  /// Word embeddings kept, unless told otherwise.
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
  private let weights: ModelMatrices
  private var documents: [HierarchicalDocument?]

  /// - Parameters:
  ///   - parameters: a buffer of the model's layout, which must outlive the predictor.
  ///   - splitter: the rule and the longest word the model was trained with.
  ///   - documents: that there may be at once.
  ///   - contextWords: words the backbone was trained to see; at least 2 are used.
  ///   - embeddings: words whose embeddings are kept, at most.
  ///   - threads: to compute with; predictions are the same for any number.
  public init(
    _ model: ModelConfiguration, parameters: UnsafePointer<Float>, splitter: WordSplitter, documents: Int = 1,
    contextWords: Int, embeddings: Int = defaultEmbeddings, threads: Int = 1
  ) {
    let (layout, kernels) = (HierarchicalLayout(model), ModelKernels(pool: WorkerPool(threads: threads)))
    self.splitter = splitter
    self.contextWords = max(2, contextWords)
    documentCount = documents
    self.documents = Array(repeating: nil, count: documents)
    weights = ModelMatrices(layout, model, in: FloatPointer(mutating: parameters))
    self.embeddings = WordEmbeddings(
      model,
      embedder: WordEmbedder(
        model, layout: layout, parameters: parameters, maxWordBytes: splitter.maximumWordBytes,
        kernels: kernels),
      capacity: embeddings)
    backbone = IncrementalModule(
      IncrementalStack(
        model.backbone, offsets: layout.backbone, parameters: parameters, sequences: documents,
        positions: self.contextWords, kernels: kernels),
      norm: weights.backboneNorm, weight: weights.decoderInput, documents: documents, kernels: kernels)
    decoder = IncrementalModule(
      IncrementalStack(
        model.decoder, offsets: layout.decoder, parameters: parameters, sequences: documents,
        positions: splitter.maximumWordBytes + 1, kernels: kernels),
      norm: weights.decoderNorm, weight: weights.decoderHead, documents: documents, kernels: kernels)
  }

  public var flops: Double { embeddings.flops + backbone.flops + decoder.flops }
  public var embeddingUsage: EmbeddingUsage? { embeddings.usage }

  public func text(of symbol: Int) -> [UInt8] {
    let byte = UInt8(symbol)
    return byte == SpecialByte.word || byte == SpecialByte.document ? [] : [byte]
  }

  /// The bytes of the words, `[W]` between them: the last word may turn out longer.
  public func symbols(of text: [UInt8]) -> [Int] {
    var symbols: [Int] = []
    var start = 0
    for length in splitter.split(text) {
      if start > 0 { symbols.append(Int(SpecialByte.word)) }
      symbols += text[start..<start + Int(length)].map(Int.init)
      start += Int(length)
    }
    return symbols
  }

  public func start(_ document: Int) {
    documents[document] = HierarchicalDocument(contextWords: contextWords)
  }

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

  /// A word has at least one byte and at most those the model was trained with; a document ends between words.
  public func rules(for document: Int) -> SymbolRules {
    let length = documents[document]!.word.count
    var rules = SymbolRules()
    rules.bytes = splitter.maximumWordBytes - length
    rules.allowsMark = length > 0
    rules.allowsEnd = length == 0
    return rules
  }

  /// Takes the words that the backbone has not read, encoder first.
  private func read(_ waiting: [Int]) {
    var (rows, words): ([Int], [[UInt8]]) = ([], [])
    for document in waiting {
      if documents[document]!.readWords == 0 { backbone.reset(document) }
      let unread = documents[document]!.unreadWords
      words += unread
      rows += repeatElement(document, count: unread.count)
      documents[document]!.markRead()
    }
    backbone.run(rows) { range, rows in embeddings.embed(Array(words[range]), into: rows) }
  }

  /// Takes the bytes that the decoder has not spelled, behind what opens their word.
  private func decode(_ ready: [Int]) {
    var (rows, bytes): ([Int], [UInt8?]) = ([], [])
    for document in ready {
      if documents[document]!.decodedRows == 0 { decoder.reset(document) }
      let undecoded = documents[document]!.undecodedRows
      bytes += undecoded
      rows += repeatElement(document, count: undecoded.count)
      documents[document]!.markDecoded()
    }
    decoder.run(rows) { range, view in
      for (row, index) in range.enumerated() {
        let source = bytes[index].map { UnsafePointer(weights.byteEmbedding.row(Int($0))) }
        view.row(row).update(
          from: source ?? backbone.output(of: rows[index]).baseAddress!, count: view.columns)
      }
    }
  }
}
