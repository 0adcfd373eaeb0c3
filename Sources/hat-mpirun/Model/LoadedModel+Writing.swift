import HATCore

extension LoadedModel {
  /// The model as one that writes.
  /// - Parameters:
  ///   - documents: at once, at most.
  ///   - embeddings: words whose embeddings are kept, at most.
  func makePredictor(
    documents: Int, embeddings: Int = HierarchicalPredictor.defaultEmbeddings, threads: Int
  ) -> any SymbolPredictor {
    HierarchicalPredictor(
      configuration.model, parameters: parameters.base, splitter: splitter, documents: documents,
      contextWords: configuration.data.sequenceWords, embeddings: embeddings, threads: threads)
  }
}
