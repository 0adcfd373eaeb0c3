import HATKernels

/// One named part of a training run's state: the parameters, or something the optimiser keeps for them.
///
/// A section is a flat buffer of its own, in the order of the tensors. So a range of parameters always corresponds to one
/// range of every section.
public struct StateSection: Sendable, Equatable {
  /// What the section holds of one tensor.
  public struct Entry: Sendable, Equatable {
    /// The tensor's name.
    public let name: String
    public let shape: [Int]
    /// The tensor's parameters, in floats of their flat buffer.
    public let parameters: Range<Int>
    /// In floats of the section.
    public let range: Range<Int>

    /// Whether there is one float for each parameter, so that both may be cut at the same places.
    public var isElementwise: Bool { range.count == parameters.count }
  }

  public static let parametersName = "parameters"

  public let name: String
  /// What the section holds of the tensors, in the order of the table.
  public let entries: [Entry]

  /// - Parameter shape: the shape of what is kept of a tensor; nil for nothing.
  public init(_ name: String, of tensors: [Tensor], shape: (Tensor) -> [Int]?) {
    self.init(name, tensors.compactMap { tensor in shape(tensor).map { (tensor.name, $0, tensor.range) } })
  }

  /// - Parameter entries: name, shape and parameters of each tensor, in their order.
  init(_ name: String, _ entries: [(name: String, shape: [Int], parameters: Range<Int>)]) {
    self.name = name
    var end = 0
    self.entries = entries.map { entry in
      defer { end += entry.shape.reduce(1, *) }
      return Entry(
        name: entry.name, shape: entry.shape, parameters: entry.parameters,
        range: end..<end + entry.shape.reduce(1, *))
    }
  }

  /// Floats of the section.
  public var count: Int { entries.last?.range.upperBound ?? 0 }

  /// The floats that go with some parameters.
  public func range(of parameters: Range<Int>) -> Range<Int> {
    place(of: parameters.lowerBound)..<place(of: parameters.upperBound)
  }

  private func place(of parameter: Int) -> Int {
    let index = entries.firstIndex(behind: { $0.parameters.upperBound <= parameter })
    guard index < entries.count else { return count }
    let entry = entries[index]
    guard parameter > entry.parameters.lowerBound else { return entry.range.lowerBound }
    precondition(entry.isElementwise, "\(name) of \(entry.name) cannot be cut")
    return entry.range.lowerBound + parameter - entry.parameters.lowerBound
  }
}

extension StateSection {
  /// The parameters of a model.
  public static func parameters(_ table: TensorTable) -> StateSection {
    StateSection(parametersName, of: table.tensors) { $0.shape }
  }

  /// What a rule keeps, in the order in which its tensors name the sections.
  public static func all(of rule: any OptimizerRule, _ table: TensorTable) -> [StateSection] {
    var names: [String] = []
    for state in table.tensors.flatMap(rule.state) where !names.contains(state.section) {
      names.append(state.section)
    }
    return names.map { name in
      StateSection(name, of: table.tensors) { tensor in
        rule.state(of: tensor).first { $0.section == name }?.shape
      }
    }
  }
}

extension [StateSection] {
  /// Floats of all these sections that go with some parameters.
  public func floats(of parameters: [Range<Int>]) -> Int {
    reduce(0) { sum, section in parameters.reduce(sum) { $0 + section.range(of: $1).count } }
  }
}

/// A section with its floats, of which not all need exist.
public struct StateBuffer: Sendable {
  public let section: StateSection
  /// [section.count]
  public let floats: FloatBuffer

  public init(_ section: StateSection, _ floats: FloatBuffer) {
    precondition(floats.count == section.count)
    (self.section, self.floats) = (section, floats)
  }

  /// The floats that go with some parameters.
  public func floats(of parameters: Range<Int>) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(rebasing: floats.elements[section.range(of: parameters)])
  }
}
