import HATKernels
import SystemPackage

@testable import HATCore

/// The state of a small model at a step, and writing it in any number of slices.
struct CheckpointFixture {
  let configuration: Configuration
  let table: TensorTable
  let sections: [StateSection]
  var count: Int { table.count }

  /// - Parameter rule: of whose state the checkpoints are.
  init(_ rule: any OptimizerRule = TrainingConfiguration().optimizerRule) {
    var configuration = Configuration()
    configuration.model.byteWidth = 4
    configuration.model.byteHeadSize = 2
    configuration.model.width = 8
    configuration.model.headSize = 4
    configuration.model.layers = 1
    self.configuration = configuration
    table = TensorTable(configuration.model)
    sections = [.parameters(table)] + StateSection.all(of: rule, table)
  }

  /// A section's floats after a step: all different from those of other steps and sections.
  func values(_ section: Int, step: Int) -> FloatBuffer {
    let buffer = FloatBuffer(zeroed: sections[section].count)
    for index in 0..<buffer.count {
      buffer.base[index] = Float(index) + Float(section) * 0.25 + Float(step) * 0.0625
    }
    return buffer
  }

  func manifest(step: Int, slices: [CheckpointSlice]) -> CheckpointManifest {
    CheckpointManifest(
      step: step, configuration: configuration, splittingRule: "whitespace-v1", maxWordBytes: 64,
      dataFingerprint: "0123", cursor: "{\"place\":\(step)}", sections: sections, slices: slices)
  }

  /// Writes a checkpoint in slices cut at `cuts`.
  func write(step: Int, to store: CheckpointStore, cuts: [Int] = [], keep: Int = 3) throws {
    let bounds = [0] + cuts + [count]
    try write(step: step, to: store, slices: zip(bounds, bounds.dropFirst()).map { [$0..<$1] }, keep: keep)
  }

  /// Writes a checkpoint in slices of several ranges.
  func write(step: Int, to store: CheckpointStore, slices: [[Range<Int>]], keep: Int = 3) throws {
    let buffers = sections.indices.map { StateBuffer(sections[$0], values($0, step: step)) }
    try store.begin(step: step)
    let slices = try slices.enumerated().map { index, ranges in
      try store.writeSlice(step: step, index: index, ranges: ranges, sections: sections) {
        UnsafeBufferPointer(buffers[$0].floats(of: ranges[$1]))
      }
    }
    try store.commit(manifest(step: step, slices: slices), keep: keep)
  }

  /// Whether a checkpoint holds exactly what was written at its step.
  func isWhole(_ reader: CheckpointReader) throws -> Bool {
    try sections.indices.allSatisfy { section in
      let expected = values(section, step: reader.manifest.step)
      let read = FloatBuffer(zeroed: expected.count)
      try reader.read(section, [0..<count], into: read)
      return read.elements.elementsEqual(expected.elements)
    }
  }
}
