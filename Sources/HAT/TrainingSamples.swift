import HATCore
import HATDistributed
import HATText

extension TrainingRun {
  /// What writes the samples of `output.sample_every`; nil where there are none. Its text is that of `generate` for the prompt, with
  /// the usual temperature, nucleus and seed.
  static func sampleWriter(
    _ configuration: Configuration, splitter: WordSplitter, _ vocabulary: SubwordVocabulary?, threads: Int
  ) -> SampleWriter? {
    let output = configuration.output
    guard output.sampleEvery > 0 else { return nil }
    return { weights in
      var samplers = [try Sampler()]
      let generator = TextGenerator(
        configuration.makePredictor(
          weights, splitter: splitter, vocabulary, documents: 1, embeddings: output.sampleEmbeddings,
          threads: threads))
      var text: [UInt8] = []
      generator.read([Array(output.samplePrompt.utf8)])
      let end = try generator.write(byteLimit: output.sampleBytes, samplers: &samplers) { text += $1 }[0]
      return TextSample(
        prompt: output.samplePrompt, text: String(decoding: text, as: UTF8.self),
        hasEnded: end == .documentMark)
    }
  }
}
