import HATKernels
import HATStorage
import HATText

extension Configuration {
  /// Words, or bytes, of a micro-batch. With the bounds on widths and layers no product of sizes is too large for an `Int`, up to
  /// the bytes of all activations.
  static let largestMicroBatch = 1 << 27
  /// Steps of a run, at most: more than anyone trains, and few enough that no sum with other counts overflows.
  private static let mostSteps = 1_000_000_000_000
  /// Bytes of a prompt, or of what is written behind it.
  private static let longestSample = 100_000

  /// Checks all that can be checked without data and ranks.
  /// - Throws: `UserError` of kind `configuration` that names the setting and a value that would work.
  public func validate(at place: String? = nil) throws {
    let check = Check(place: place)
    try validateModel(check)
    try check.within(1...1_000_000, data.sequenceWords, "data.sequence_words")
    try check.within(4...64_000_000, data.sequenceBytes, "data.sequence_bytes")
    try validateTraining(check)
    try validateMicroBatch(check)
    try check.within(0...Self.mostSteps, output.checkpointEvery, "output.checkpoint_every")
    try check.within(1...1_000_000, output.keep, "output.keep")
    try check.within(0...Self.mostSteps, output.evaluateEvery, "output.evaluate_every")
    try validateWatching(check)
  }

  private func validateWatching(_ check: Check) throws {
    try check.within(0...Self.mostSteps, output.sampleEvery, "output.sample_every")
    try check.within(1...Self.longestSample, output.sampleBytes, "output.sample_bytes")
    let prompt = output.samplePrompt.utf8.count
    try check.that(
      prompt <= Self.longestSample, "output.sample_prompt has \(prompt) bytes",
      "It may have \(Self.longestSample).")
    // Another program would read nothing, and nobody would know why.
    try check.that(
      output.prometheus.isEmpty || output.prometheus.hasSuffix(".prom"),
      "output.prometheus is \(output.prometheus)", "node_exporter reads only files whose names end in .prom.")
  }

  private func validateMicroBatch(_ check: Check) throws {
    for (size, name) in [(data.sequenceWords, "sequence_words"), (data.sequenceBytes, "sequence_bytes")] {
      let most = Self.largestMicroBatch / size
      try check.that(
        sequencesPerMicroBatch <= most,
        "a micro-batch has \(sequencesPerMicroBatch) sequences (training.sequences_per_step / "
          + "training.micro_batches) of data.\(name) \(size)",
        "It must have at most \(most).")
    }
  }

  private func validateModel(_ check: Check) throws {
    switch model.kind {
    case .hierarchical: try validateByteModules(check)
    case .subword:
      let sizes = SubwordVocabulary.sizes
      try check.within(sizes.lowerBound...sizes.upperBound, model.vocabulary, "model.vocabulary")
      try check.ngrams(
        model.tokenNgrams, in: ModelConfiguration.longestNgrams, rows: model.tokenNgramRows,
        "model.token_ngram")
    }
    try check.within(1...65_536, model.width, "model.width")
    try check.within(1...1_000, model.layers, "model.layers")
    try check.head(model.headSize, "model.head_size", dividing: model.width, "model.width")
    if let groups = model.keyValueHeads {
      try check.divisor(groups, "model.kv_heads", of: model.heads, "the \(model.heads) backbone heads")
    }
    if let hidden = model.mlpHidden { try check.within(1...1_000_000, hidden, "model.mlp_hidden") }
    try check.that(
      model.ropeTheta >= 1, "model.rope_theta must be at least 1, not \(model.ropeTheta)", "10000 is usual.")
    for (deviation, name) in [
      (model.initialDeviation, "initial_deviation"), (model.embeddingDeviation, "embedding_deviation"),
    ] {
      try check.that(deviation > 0, "model.\(name) must be above 0, not \(deviation)", "0.02 is usual.")
    }
  }

  private func validateByteModules(_ check: Check) throws {
    try check.within(1...65_536, model.byteWidth, "model.byte_width")
    try check.within(1...1_000, model.encoderLayers, "model.encoder_layers")
    try check.within(1...1_000, model.decoderLayers, "model.decoder_layers")
    try check.head(model.byteHeadSize, "model.byte_head_size", dividing: model.byteWidth, "model.byte_width")
    if let hidden = model.byteMLPHidden { try check.within(1...1_000_000, hidden, "model.byte_mlp_hidden") }
    try check.ngrams(
      model.byteNgrams, in: ModelConfiguration.longestNgrams, rows: model.byteNgramRows, "model.byte_ngram")
    try check.ngrams(
      model.prefixNgrams, in: 1...PrefixTables.longest, rows: model.prefixNgramRows, "model.prefix_ngram")
  }

  private func validateTraining(_ check: Check) throws {
    try check.within(1...Self.mostSteps, training.steps, "training.steps")
    try check.within(1...1_000_000, training.microBatches, "training.micro_batches")
    try check.that(
      training.sequencesPerStep > 0 && training.sequencesPerStep % training.microBatches == 0,
      "training.sequences_per_step (\(training.sequencesPerStep)) must be a multiple of "
        + "training.micro_batches (\(training.microBatches))",
      "\(max(1, training.sequencesPerStep / training.microBatches) * training.microBatches) would work.")
    try check.within(0...Self.mostSteps, training.warmupSteps, "training.warmup_steps")
    try check.that(
      peakLearningRate > 0, "training.peak_learning_rate must be above 0", "auto is a good start.")
    try check.that(
      (0...1).contains(training.minimumLearningRate),
      "training.minimum_learning_rate is a fraction of the peak, from 0 to 1", "0.1 is the paper's.")
    let betas = [
      (training.beta1, "beta1"), (training.beta2, "beta2"), (training.muonMomentum, "muon_momentum"),
    ]
    for (beta, name) in betas {
      // Optimisers compute with floats: 0.99999998 is 1 to them.
      try check.that(
        beta >= 0 && Float(beta) < 1, "training.\(name) is \(beta)",
        "It must be at least 0 and below 1, also when it is rounded to float32.")
    }
    try check.that(training.epsilon > 0, "training.epsilon must be above 0", "1e-8 is usual.")
    try check.within(1...100, training.newtonSchulzSteps, "training.newton_schulz_steps")
    let rates = training.rates
    for (rate, name) in [
      (rates.hiddenMatrices, "hidden_matrix_rate"), (rates.embeddings, "embedding_rate"),
      (rates.ngramTables, "ngram_rate"),
      (rates.head, "head_rate"), (rates.gains, "gain_rate"), (rates.byteModules, "byte_module_rate"),
    ] {
      try check.that(rate >= 0, "training.\(name) must not be negative", "1 changes nothing.")
    }
    try check.that(training.weightDecay >= 0, "training.weight_decay must not be negative", "0.1 is usual.")
    try check.that(training.clip > 0, "training.clip must be above 0", "1 is usual; 1e30 clips nothing.")
    if let products = training.products {
      let serving = ProductArithmetic.all.filter { $0.precision == training.precision }
      try check.that(
        serving.contains { $0.instructions == products },
        "training.products \(products.rawValue) does not compute in training.precision "
          + training.precision.rawValue,
        "These do: auto, \(serving.map(\.instructions.rawValue).joined(separator: ", ")).")
    }
    try check.that(training.preferenceBeta > 0, "training.preference_beta must be above 0", "0.1 is usual.")
    try check.that(
      (0...3).contains(training.zeroStage), "training.zero_stage \(training.zeroStage) is not available",
      "Choose 0 (all is whole), 1 (optimiser state is sliced), 2 (gradients too) or 3 (parameters too).")
  }
}

/// Throws one kind of error, with the place already known.
private struct Check {
  let place: String?

  func that(_ condition: Bool, _ problem: String, _ hint: String) throws {
    guard condition else { throw UserError(.configuration, at: place, problem, hint: hint) }
  }

  func within(_ range: ClosedRange<Int>, _ value: Int, _ name: String) throws {
    try that(
      range.contains(value), "\(name) is \(value)",
      "It must be from \(range.lowerBound) to \(range.upperBound).")
  }

  func divisor(_ value: Int, _ name: String, of whole: Int, _ wholeName: String) throws {
    let divisors = (1...max(1, whole)).filter { whole % $0 == 0 }.map(String.init)
    try that(
      value > 0 && whole % value == 0, "\(name) (\(value)) must divide \(wholeName)",
      "These would: \(divisors.joined(separator: ", ")).")
  }

  /// - Parameter name: what the names of both settings begin with.
  func ngrams(_ longest: Int, in lengths: ClosedRange<Int>, rows: Int?, _ name: String) throws {
    try that(
      longest == 0 || lengths.contains(longest), "\(name)s is \(longest)",
      "It must be from \(lengths.lowerBound) to \(lengths.upperBound), or 0 for none.")
    guard let rows else { return }
    try within(ModelConfiguration.ngramRows, rows, "\(name)_rows")
    try that(
      longest > 0, "\(name)_rows is \(rows), but \(name)s is 0, so there is no table",
      "Set \(name)s too, or leave \(name)_rows out.")
  }

  func head(_ size: Int, _ name: String, dividing width: Int, _ widthName: String) throws {
    let sizes = stride(from: 2, through: max(2, width), by: 2).filter { width % $0 == 0 }.map(String.init)
    try that(
      size > 0 && size % 2 == 0 && width % size == 0,
      "\(name) (\(size)) must be even and divide \(widthName) (\(width))",
      sizes.isEmpty ? "Choose an even \(widthName)." : "These would: \(sizes.joined(separator: ", ")).")
  }
}
