/// Plans the arena of the whole model: the activations of the three stacks, of what joins them, and the scratch
/// they share.
struct HierarchicalPlan {
  let encoderUse: StackUse
  let backboneUse: StackUse
  let decoderUse: StackUse
  let encoder: StackWorkspace
  let backbone: StackWorkspace
  let decoder: StackWorkspace
  let places: ModulePlaces
  /// Floats of the arena.
  let floats: Int

  init(_ model: ModelConfiguration, capacity: BatchCapacity) {
    var plan = ArenaPlan()
    encoderUse = StackUse(
      shape: model.encoder, routine: .words, rows: capacity.encoderRows,
      longestSegment: capacity.wordBytes + 1)
    backboneUse = StackUse(
      shape: model.backbone, routine: .documents, rows: capacity.words, longestSegment: capacity.pieceWords)
    decoderUse = StackUse(
      shape: model.decoder, routine: .words, rows: capacity.decoderRows,
      longestSegment: capacity.wordBytes + 1)
    let scratch = StackScratch(for: [encoderUse, backboneUse, decoderUse], plan: &plan)
    encoder = StackWorkspace(encoderUse, scratch: scratch, plan: &plan)
    backbone = StackWorkspace(backboneUse, scratch: scratch, plan: &plan)
    decoder = StackWorkspace(decoderUse, scratch: scratch, plan: &plan)
    places = ModulePlaces(model, capacity: capacity, plan: &plan)
    floats = plan.count
  }
}

/// Where the arena holds what lies between the stacks.
struct ModulePlaces {
  /// [W, d], the encoder's output at each `[W]`.
  let marks: MatrixPlace
  /// [W]
  let markInverseRoots: Int
  /// [W, d], the same normalised.
  let normalizedMarks: MatrixPlace
  /// [W]
  let backboneInverseRoots: Int
  /// [W, D], `h`: the normalised output of the backbone.
  let predictive: MatrixPlace
  /// [W, d], W_D·h.
  let decoderStarts: MatrixPlace
  /// [decoder rows]
  let decoderInverseRoots: Int
  /// [decoder rows, d], the normalised output of the decoder.
  let decoded: MatrixPlace
  /// [decoder rows, V]
  let logits: MatrixPlace
  /// [decoder rows], nats.
  let losses: Int

  /// The gradient by a module's residual stream, one module at a time.
  let residualGradient: Int
  /// The gradient by a module's normalised output, likewise: [decoder rows, d], [W, D] or [W, d].
  let outputGradient: Int
  /// [W, d], the gradient by `decoderStarts`; later by `marks`.
  let wordGradient: MatrixPlace

  init(_ model: ModelConfiguration, capacity: BatchCapacity, plan: inout ArenaPlan) {
    let (d, width, words) = (model.byteWidth, model.width, capacity.words)
    marks = plan.reserve(rows: words, columns: d)
    markInverseRoots = plan.reserve(words)
    normalizedMarks = plan.reserve(rows: words, columns: d)
    backboneInverseRoots = plan.reserve(words)
    predictive = plan.reserve(rows: words, columns: width)
    decoderStarts = plan.reserve(rows: words, columns: d)
    decoderInverseRoots = plan.reserve(capacity.decoderRows)
    decoded = plan.reserve(rows: capacity.decoderRows, columns: d)
    logits = plan.reserve(rows: capacity.decoderRows, columns: 256)
    losses = plan.reserve(capacity.decoderRows)
    let byteRows = max(capacity.encoderRows, capacity.decoderRows)
    residualGradient = plan.reserve(max(byteRows * d, words * width))
    outputGradient = plan.reserve(max(capacity.decoderRows * d, words * width))
    wordGradient = plan.reserve(rows: words, columns: d)
  }
}
