import HATKernels
import SystemPackage

@testable import HATCore

/// The state of a small model at a step, and writing it in any number of slices.
struct CheckpointFixture {
  let configuration: Configuration
  let tensors: [ParameterTensor]
  let count: Int

  init() {
    var configuration = Configuration()
    configuration.model.byteWidth = 4
    configuration.model.byteHeadSize = 2
    configuration.model.width = 8
    configuration.model.headSize = 4
    configuration.model.layers = 1
    self.configuration = configuration
    let layout = ParameterLayout(configuration.model)
    (tensors, count) = (layout.tensors, layout.count)
  }

  /// A section's floats after a step: all different from those of other steps and sections.
  func values(_ section: CheckpointSection, step: Int) -> FloatBuffer {
    let buffer = FloatBuffer(zeroed: count)
    for index in 0..<count {
      buffer.base[index] = Float(index) + Float(section.index) * 0.25 + Float(step) * 0.0625
    }
    return buffer
  }

  func manifest(step: Int, slices: [CheckpointSlice]) -> CheckpointManifest {
    CheckpointManifest(
      step: step, configuration: configuration, splittingRule: "whitespace-v1", maxWordBytes: 64,
      dataFingerprint: "0123", cursor: "{\"place\":\(step)}", tensors: tensors, slices: slices)
  }

  /// Writes a checkpoint in slices cut at `cuts`.
  func write(step: Int, to store: CheckpointStore, cuts: [Int] = [], keep: Int = 3) throws {
    let sections = CheckpointSection.allCases.map { values($0, step: step) }
    let bounds = [0] + cuts + [count]
    try store.begin(step: step)
    let slices = try zip(bounds, bounds.dropFirst()).enumerated().map { index, range in
      try store.writeSlice(
        step: step, index: index, range: range.0..<range.1, parameters: sections[0].base + range.0,
        firstMoments: sections[1].base + range.0, secondMoments: sections[2].base + range.0)
    }
    try store.commit(manifest(step: step, slices: slices), keep: keep)
  }

  /// Whether a checkpoint holds exactly what was written at its step.
  func isWhole(_ reader: CheckpointReader) throws -> Bool {
    try CheckpointSection.allCases.allSatisfy { section in
      let (read, expected) = (FloatBuffer(zeroed: count), values(section, step: reader.manifest.step))
      try reader.read(section, 0..<count, into: read.base)
      return read.elements.elementsEqual(expected.elements)
    }
  }
}
