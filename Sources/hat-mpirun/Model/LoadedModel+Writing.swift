import HATCore

extension LoadedModel {
  /// The model as one that writes, in contexts of the length it was trained with.
  /// - Parameters:
  ///   - documents: at once, at most.
  ///   - embeddings: words whose embeddings are kept, at most.
  func makePredictor(
    documents: Int, embeddings: Int = HierarchicalPredictor.defaultEmbeddings, threads: Int
  ) -> any SymbolPredictor {
    let data = configuration.data
    if let tokenizer {
      return SubwordPredictor(
        configuration.model, parameters: parameters.base, vocabulary: tokenizer.vocabulary,
        documents: documents, contextWords: data.sequenceWords, contextBytes: data.sequenceBytes,
        threads: threads)
    }
    return HierarchicalPredictor(
      configuration.model, parameters: parameters.base, splitter: splitter, documents: documents,
      contextWords: data.sequenceWords, embeddings: embeddings, threads: threads)
  }
}
