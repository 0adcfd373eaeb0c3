import HATCore
import HATStorage
import SystemPackage
import TestSupport
import Testing

@Suite struct ConfigurationTests {
  /// The error that reading `yaml` gives.
  private func failure(_ yaml: String, overrides: [String] = []) -> UserError? {
    #expect(throws: UserError.self) {
      var configuration = try Configuration(yaml: yaml, at: "test.yaml")
      for override in overrides { try configuration.apply(override: override) }
      try configuration.validate(at: "test.yaml")
    }
  }

  @Test func readsBackWhatItWrites() throws {
    var configuration = Configuration()
    configuration.model.keyValueHeads = 2
    configuration.model.mlpHidden = 96
    configuration.model.queryKeyNorm = true
    configuration.training.peakLearningRate = 0.001
    configuration.training.minimumLearningRate = 0.123456789012345
    configuration.data.seed = .max
    configuration.output.samplePrompt = "\"It\" # was\n\t\\: größer 👩‍👧\u{85}\u{2028}\u{FFFF}\0 "
    #expect(try Configuration(yaml: configuration.yaml(), at: "test") == configuration)
  }

  @Test func keysLeftOutKeepTheirDefaults() throws {
    let configuration = try Configuration(yaml: "model: { width: 96 }", at: "test")
    var expected = Configuration()
    expected.model.width = 96
    #expect(configuration == expected)
    #expect(try Configuration(yaml: "", at: "test") == Configuration())
  }

  @Test func everySettingIsWrittenWithItsComment() {
    for kind in ModelKind.allCases {
      var configuration = Configuration()
      configuration.model.kind = kind
      let lines = configuration.yaml().split(separator: "\n")
      for setting in Setting.all where setting.concerns(kind) {
        #expect(lines.contains { $0.contains("\(setting.key):") && $0.hasSuffix("# \(setting.comment)") })
      }
      #expect(lines.count { $0.hasPrefix("  ") } == Setting.all.count { $0.concerns(kind) })
    }
  }

  @Test func settingsOfAnotherKindOfModelAreRefused() throws {
    #expect(failure("model: { byte_width: 64, kind: subword }")?.place == "test.yaml:1")
    #expect(failure("model: { vocabulary: 8192 }")?.hint.contains("subword") == true)
    #expect(failure("", overrides: ["model.kind=subword"])?.kind == .configuration)
    #expect(failure("model: { kind: subword }", overrides: ["model.encoder_layers=3"]) != nil)
    #expect(
      failure("model: { kind: subword, vocabulary: 257 }")?.problem.contains("model.vocabulary") == true)
    let baseline = try Configuration(yaml: "model: { kind: subword, vocabulary: 300 }", at: "test")
    try baseline.validate()
    #expect(try Configuration(yaml: baseline.yaml(), at: "test") == baseline)
  }

  @Test(arguments: [ModelKind.hierarchical, .subword]) func rowsOfNgramTables(kind: ModelKind) throws {
    let (model, unit) = kind == .hierarchical ? ("", "byte") : ("kind: subword, vocabulary: 300, ", "token")
    func failure(_ settings: String) -> UserError? { self.failure("model: { \(model)\(settings) }") }
    for rows in [0, -3, 20_000_000] {
      let error = failure("\(unit)_ngrams: 2, \(unit)_ngram_rows: \(rows)")
      #expect(error?.problem.contains("model.\(unit)_ngram_rows is \(rows)") == true)
    }
    // Rows of tables that are not there.
    #expect(failure("\(unit)_ngram_rows: 100")?.hint.contains("Set model.\(unit)_ngrams") == true)
    let other = kind == .hierarchical ? "token" : "byte"
    #expect(failure("\(other)_ngrams: 2")?.problem.contains("does not apply") == true)
    let yaml = "model: { \(model)\(unit)_ngrams: 8, \(unit)_ngram_rows: 1 }"
    let configuration = try Configuration(yaml: yaml, at: "test")
    try configuration.validate()
    #expect(try Configuration(yaml: configuration.yaml(), at: "test") == configuration)
  }

  @Test func unknownKeysSuggestTheNearest() {
    let error = failure("model: { byte_widht: 64 }")
    #expect(error?.kind == .configuration)
    #expect(error?.place == "test.yaml:1")
    #expect(error?.hint.contains("model.byte_width?") == true)
    #expect(failure("modle: { width: 64 }")?.hint.contains("model?") == true)
    #expect(failure("", overrides: ["training.step=3"])?.hint.contains("training.steps?") == true)
  }

  @Test(arguments: [
    "model: 3", "- a", "model: [1, 2]", "model: { width: wide }", "model: { width: [1] }",
    "model: { width: 1.5 }", "model: { width: 128, width: 64 }", "model: {", "training: { clip: nan }",
    "model: { width: 'a }", "model: *x", "model: \u{1}", "model:\n\twidth: 3",
  ])
  func malformedFilesAreConfigurationErrors(yaml: String) {
    let error = failure(yaml)
    #expect(error?.kind == .configuration)
    #expect(error?.description.contains("\n") == false)
    #expect(error?.place?.hasPrefix("test.yaml") == true)
  }

  @Test func whatIsGivenTwiceIsNamed() {
    let setting = failure("data: { seed: 3 }\nmodel:\n  width: 128\n  layers: 2\n  width: 64")
    #expect(setting?.problem == "width is given twice" && setting?.place == "test.yaml:3")
    let section = failure("data: { seed: 3 }\nmodel: { width: 64 }\ndata: { seed: 4 }")
    #expect(section?.problem == "data is given twice" && section?.place == "test.yaml:1")
  }

  @Test func filesAreUTF8() throws {
    let owner = TemporaryFolder()
    let path = FilePath(owner.appending("latin.yaml"))
    let bytes: [UInt8] = Array("output: { sample_prompt: \"Caf".utf8) + [0xE9] + Array("\" }".utf8)
    try DurableFile.write(bytes, to: path)
    let error = #expect(throws: UserError.self) { try Configuration.load(from: path) }
    #expect(error?.kind == .configuration && error?.place == path.string)
    #expect(error?.problem.contains("byte 29") == true)
  }

  /// A run writes its configuration, and reads it again when it resumes.
  @Test(arguments: ["\"", "\u{1}"]) func theLongestPromptIsReadBack(character: String) throws {
    var configuration = Configuration()
    configuration.output.samplePrompt = String(repeating: character, count: 100_000)
    try configuration.validate()
    let owner = TemporaryFolder()
    let path = FilePath(owner.appending("config.yaml"))
    try DurableFile.write(Array(configuration.yaml().utf8), to: path)
    let isSame = try Configuration.load(from: path) == configuration
    #expect(isSame)
  }

  @Test func autoIsWhatItMeans() {
    let automatic = Configuration()
    var other = automatic
    (other.model.keyValueHeads, other.model.mlpHidden, other.model.byteMLPHidden) = (4, 352, 192)
    other.model.byteNgramRows = ModelConfiguration.defaultNgramRows
    other.model.prefixNgramRows = ModelConfiguration.defaultPrefixNgramRows
    #expect(automatic.differences(from: other) == [])
    other.model.keyValueHeads = 2
    #expect(automatic.differences(from: other).map(\.text) == ["model.kv_heads: auto, 2"])
    // What follows from a difference is none.
    other = automatic
    other.model.width = 96
    #expect(automatic.differences(from: other).map(\.setting) == ["model.width"])
  }

  @Test(arguments: [
    ("model.head_size=48", "model.head_size"),
    ("model.head_size=0", "model.head_size"),
    ("model.head_size=1", "model.head_size"),
    ("model.byte_head_size=7", "model.byte_head_size"),
    ("model.kv_heads=3", "model.kv_heads"),
    ("model.layers=0", "model.layers"),
    ("model.width=-128", "model.width"),
    ("model.initial_deviation=0", "model.initial_deviation"),
    ("model.embedding_deviation=-1", "model.embedding_deviation"),
    ("model.query_key_norm=1", "model.query_key_norm"),
    ("model.byte_ngrams=1", "model.byte_ngrams"),
    ("model.byte_ngrams=9", "model.byte_ngrams"),
    ("model.byte_ngrams=-1", "model.byte_ngrams"),
    ("training.micro_batches=3", "training.micro_batches"),
    ("training.micro_batches=0", "training.micro_batches"),
    ("training.sequences_per_step=0", "training.sequences_per_step"),
    ("training.zero_stage=7", "training.zero_stage"),
    ("training.clip=0", "training.clip"),
    ("training.minimum_learning_rate=2", "training.minimum_learning_rate"),
    ("training.optimizer=sgd", "training.optimizer"),
    ("training.muon_momentum=1", "training.muon_momentum"),
    ("training.muon_momentum=0.99999998", "training.muon_momentum"),
    ("training.beta1=0.99999998", "training.beta1"),
    ("training.beta2=0.99999998", "training.beta2"),
    ("training.newton_schulz_steps=0", "training.newton_schulz_steps"),
    ("training.head_rate=-1", "training.head_rate"),
    ("output.keep=0", "output.keep"),
    ("output.sample_every=-1", "output.sample_every"),
    ("output.sample_bytes=0", "output.sample_bytes"),
    ("output.prometheus=hat.txt", "output.prometheus"),
    ("output.tensorboard=1", "output.tensorboard"),
    ("data.sequence_words=0", "data.sequence_words"),
  ])
  func impossibleValuesNameTheSetting(override: String, name: String) {
    let error = failure("", overrides: [override])
    #expect(error?.kind == .configuration)
    #expect(error?.problem.contains(name) == true)
  }

  /// Numbers whose products no `Int` holds.
  @Test(arguments: [
    "model.width", "model.layers", "model.mlp_hidden", "model.byte_width", "model.byte_mlp_hidden",
    "model.encoder_layers", "model.decoder_layers", "model.byte_ngrams", "model.byte_ngram_rows",
    "model.prefix_ngrams", "model.prefix_ngram_rows", "data.sequence_words", "data.sequence_bytes",
    "training.steps", "training.warmup_steps", "training.micro_batches", "training.sequences_per_step",
    "training.newton_schulz_steps", "output.checkpoint_every", "output.keep", "output.evaluate_every",
    "output.sample_every", "output.sample_bytes",
  ])
  func hugeNumbersNameTheSetting(name: String) {
    for number in [1 << 62, .max] {
      let value = name == "training.sequences_per_step" ? number & ~3 : number
      let error = failure("", overrides: ["\(name)=\(value)"])
      #expect(error?.kind == .configuration)
      #expect(error?.problem.contains(name) == true)
    }
  }

  /// Sizes that are possible each, and not together.
  @Test(arguments: [
    ("data.sequence_words=1000000", "data.sequence_words 1000000"),
    ("data.sequence_bytes=64000000", "data.sequence_bytes 64000000"),
  ])
  func aMicroBatchHasABound(size: String, name: String) {
    let error = failure("", overrides: [size, "training.sequences_per_step=4096"])
    #expect(error?.problem.contains("training.sequences_per_step") == true)
    #expect(error?.problem.contains(name) == true)
  }

  @Test(arguments: [
    "training.clip=1e39", "training.epsilon=1e-60", "model.initial_deviation=1e-50",
    "training.head_rate=inf",
  ])
  func numbersThatAreNoFloatsAreRefused(override: String) {
    #expect(failure("", overrides: [override])?.problem.contains("float32") == true)
  }

  @Test func peakLearningRateFollowsThePaper() {
    var configuration = Configuration()
    configuration.model.width = 2304
    configuration.model.headSize = 128
    let ofThePaper: Double = 3e-4 * 32 / 18
    #expect(configuration.peakLearningRate == ofThePaper)
    configuration.training.optimizer = .muon
    #expect(configuration.peakLearningRate == 6e-3 * (256.0 / 2304).squareRoot())
  }
}

@Suite struct LearningRateScheduleTests {
  @Test func warmsUpThenFallsToTheFloor() {
    var configuration = Configuration()
    configuration.training.steps = 100
    configuration.training.warmupSteps = 10
    configuration.training.peakLearningRate = 1
    let schedule = LearningRateSchedule(configuration)
    #expect(schedule.learningRate(atStep: 1) == 0.1)
    #expect(schedule.learningRate(atStep: 10) == 1)
    #expect(abs(schedule.learningRate(atStep: 55) - 0.55) < 1e-12)
    #expect(abs(schedule.learningRate(atStep: 100) - 0.1) < 1e-12)
    for step in 11...100 {
      #expect(schedule.learningRate(atStep: step) <= schedule.learningRate(atStep: step - 1))
    }
  }
}
