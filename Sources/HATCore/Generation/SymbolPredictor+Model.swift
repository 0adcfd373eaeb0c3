import HATKernels
import HATText

extension Configuration {
  /// The model as one that writes, in contexts of the length it is trained with.
  /// - Parameters:
  ///   - weights: must not change while the predictor lives.
  ///   - vocabulary: of a subword model.
  ///   - documents: at once, at most.
  ///   - embeddings: words whose embeddings are kept, at most.
  ///   - precision: of products.
  package func makePredictor(
    _ weights: ModelWeights, splitter: WordSplitter, _ vocabulary: SubwordVocabulary?, documents: Int,
    embeddings: Int, threads: Int, precision: Precision
  ) -> any SymbolPredictor {
    if let vocabulary {
      return SubwordPredictor(
        model, weights, vocabulary: vocabulary, documents: documents, contextWords: data.sequenceWords,
        contextBytes: data.sequenceBytes, threads: threads, precision: precision)
    }
    return HierarchicalPredictor(
      model, weights, splitter: splitter, documents: documents, contextWords: data.sequenceWords,
      embeddings: embeddings, threads: threads, precision: precision)
  }

  /// Floats of memory that the predictor of a sample takes beside the weights, at most; 0 where no samples are written.
  package func sampleFloats(maxWordBytes: Int) -> Int {
    guard output.sampleEvery > 0 else { return 0 }
    switch model.kind {
    case .hierarchical:
      let tensors = HierarchicalTensors(model)
      return IncrementalModule.floats(
        model.backbone, tensors.backbone.blocks, output: tensors.decoderInput,
        positions: max(2, data.sequenceWords), in: training.precision)
        + IncrementalModule.floats(
          model.decoder, tensors.decoder.blocks, output: tensors.decoderHead, positions: maxWordBytes + 1,
          in: training.precision)
        + WordEmbeddings.floats(
          model, maxWordBytes: maxWordBytes, capacity: output.sampleEmbeddings, in: training.precision)
    case .subword:
      let tensors = SubwordTensors(model)
      return IncrementalModule.floats(
        model.backbone, tensors.backbone.blocks, output: tensors.head, positions: max(4, data.sequenceBytes),
        in: training.precision)
    }
  }
}

extension OutputConfiguration {
  /// A sample has no more words than bytes.
  package var sampleEmbeddings: Int { samplePrompt.utf8.count + sampleBytes }
}
