import HATCore
import HATDistributed
import HATText

extension TrainingRun {
  /// What writes the samples of `output.sample_every`; nil where there are none. Its text is that of `generate` for the prompt, with
  /// the usual temperature, nucleus and seed. A model that has learned from dialogues answers the prompt, if there is one.
  static func sampleWriter(
    _ configuration: Configuration, splitter: WordSplitter, _ vocabulary: SubwordVocabulary?, threads: Int
  ) -> SampleWriter? {
    let output = configuration.output
    guard output.sampleEvery > 0 else { return nil }
    return { weights, template in
      var samplers = [try Sampler()]
      let generator = TextGenerator(
        configuration.makePredictor(
          weights, splitter: splitter, vocabulary, documents: 1, embeddings: output.sampleEmbeddings,
          threads: threads, precision: configuration.training.precision))
      var text: [UInt8] = []
      let isTurn = template != .plain && !output.samplePrompt.isEmpty
      generator.read([
        isTurn
          ? template.prompt([DialogueMessage(.user, output.samplePrompt)]) : Array(output.samplePrompt.utf8)
      ])
      let end = try generator.write(byteLimit: output.sampleBytes, samplers: &samplers) { text += $1 }[0]
      return TextSample(
        prompt: output.samplePrompt, text: String(decoding: text, as: UTF8.self),
        hasEnded: end != .limit)
    }
  }
}
