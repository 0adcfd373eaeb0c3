import HATStorage
import HATText
import SystemPackage
import Yams

extension Configuration {
  /// Reads a configuration file, applies `section.key=value` overrides, and validates the whole.
  /// Keys left out keep their defaults.
  /// - Throws: `UserError`: `missingInput` without the file, `configuration` for anything else.
  public static func load(from path: FilePath, overrides: [String] = []) throws -> Configuration {
    let file = try FileReader(opening: path)
    guard file.length <= 1 << 20 else {
      throw UserError(
        .configuration, at: path.string, "a file of \(file.length) bytes is not a configuration",
        hint: "Name a YAML file such as configs/tiny.yaml.")
    }
    let bytes = try file.read(at: 0, count: file.length)
    if let byte = TextValidation.firstInvalidByte(in: bytes) {
      throw UserError(
        .configuration, at: path.string, "it is not valid UTF-8 (byte \(byte))", hint: "Convert it to UTF-8.")
    }
    let text = String(decoding: bytes, as: UTF8.self)
    var configuration = try Configuration(yaml: text, at: path.string)
    for override in overrides { try configuration.apply(override: override) }
    try configuration.validate(at: path.string)
    return configuration
  }

  /// Parses YAML as `yaml()` writes it; not validated.
  public init(yaml text: String, at place: String) throws {
    self.init()
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw Self.failure(error, at: place)
    }
    guard let root, root != Node("") else { return }
    var given: [(Setting, line: String)] = []
    for (section, body) in try Self.entries(of: root, named: "the configuration", at: place) {
      given += try assign(section: section, body: body, at: place)
    }
    // The kind may be anywhere among them.
    for (setting, line) in given { try setting.requireConcern(with: model.kind, at: line) }
  }

  /// Yams' own descriptions have several lines, and some hold the whole file.
  private static func failure(_ error: YamlError, at place: String) -> UserError {
    func notYAML(_ problem: String, at place: String) -> UserError {
      UserError(
        .configuration, at: place, "this is not YAML: \(problem)", hint: "Correct the syntax there.")
    }
    switch error {
    case .duplicatedKeysInMapping(let keys, let context):
      return UserError(
        .configuration, at: "\(place):\(context.mark.line)", "\(keys[0]) is given twice",
        hint: "Keep one of the two.")
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return notYAML(problem, at: "\(place):\(mark)")
    case .reader(let problem, let offset, _, let text):
      let line = 1 + text.prefix(offset ?? 0).count { $0.isNewline }
      return notYAML(problem, at: "\(place):\(line)")
    default: return notYAML("\(error)", at: place)
    }
  }

  /// - Returns: the settings that were given, and where.
  private mutating func assign(
    section: String, body: Node, at place: String
  ) throws -> [(Setting, line: String)] {
    guard Setting.sections.contains(section) else {
      throw UserError(
        .configuration, at: place, "there is no section \(section)",
        hint: "Did you mean \(Spelling.nearest(to: section, among: Setting.sections))?")
    }
    var given: [(Setting, line: String)] = []
    for (key, value) in try Self.entries(of: body, named: section, at: place) {
      let line = value.mark.map { "\(place):\($0.line)" } ?? place
      guard let scalar = value.scalar else {
        throw UserError(
          .configuration, at: line, "\(section).\(key) must be a single value",
          hint: "Write `\(key): value`.")
      }
      let setting = try Setting.named("\(section).\(key)", at: line)
      try assign(setting, scalar.string, at: line)
      given.append((setting, line))
    }
    return given
  }

  private static func entries(of node: Node, named name: String, at place: String) throws -> [(String, Node)]
  {
    guard let mapping = node.mapping else {
      throw UserError(
        .configuration, at: place, "\(name) must be a mapping of keys to values",
        hint: "See configs/tiny.yaml for the form.")
    }
    return mapping.map { ($0.key.string ?? "", $0.value) }
  }

  /// Applies one `section.key=value`.
  public mutating func apply(override: String) throws {
    let place = "`override` \(override)"
    guard let equals = override.firstIndex(of: "=") else {
      throw UserError(.wrongUsage, at: place, "it has no =", hint: "Write section.key=value.")
    }
    let setting = try Setting.named(String(override[..<equals]), at: place)
    let kind = model.kind
    try assign(setting, String(override[override.index(after: equals)...]), at: place)
    guard model.kind == kind else {
      throw UserError(
        .configuration, at: place,
        "a configuration for a model of kind \(kind.rawValue) cannot become one of another kind",
        hint: "Write one with kind: \(model.kind.rawValue); configs/ has examples.")
    }
    try setting.requireConcern(with: kind, at: place)
  }

  private mutating func assign(_ setting: Setting, _ text: String, at place: String) throws {
    guard setting.assign(&self, text) else {
      throw UserError(
        .configuration, at: place, "\(setting.path) must be \(setting.expectation), not \"\(text)\"",
        hint: "It means: \(setting.comment).")
    }
  }

  /// The complete configuration with a comment on every key.
  public func yaml() -> String {
    Setting.sections.map { section in
      let settings = Setting.all.filter { $0.section == section && $0.concerns(model.kind) }
      let entries = settings.map { "\($0.key): \($0.text(self))" }
      // A long text does not move the other comments.
      let width = min(entries.map(\.count).max()!, 40) + 2
      let lines = zip(entries, settings).map { entry, setting in
        "  \(entry)\(String(repeating: " ", count: max(2, width - entry.count)))# \(setting.comment)"
      }
      return "\(section):\n" + lines.joined(separator: "\n")
    }.joined(separator: "\n\n") + "\n"
  }

  /// A setting that two configurations have differently.
  public struct Difference: Sendable, Equatable {
    /// `section.key`
    public let setting: String
    /// The setting and both values.
    public let text: String
  }

  /// The settings that may decide a run's results, as `section.key`, in the order of the file.
  package var settings: [String] {
    Setting.all.filter { $0.section != "output" }.map(\.path)
  }

  /// A setting as YAML has it; empty for one that does not concern the model.
  /// - Parameter setting: `section.key`
  package func value(of setting: String) -> String {
    Setting.all.first { $0.path == setting && $0.concerns(model.kind) }?.text(self) ?? ""
  }

  /// The settings whose values differ, with this configuration's value and the other's. `auto` is what it means for the model.
  /// - Parameters:
  ///   - other: valid, as this one is.
  ///   - sections: nil for all.
  public func differences(from other: Configuration, sections: Set<String>? = nil) -> [Difference] {
    var (own, others) = (self, other)
    (own.model, others.model) = (model.resolved, other.model.resolved)
    return Setting.all
      .filter { sections?.contains($0.section) != false }
      .filter { $0.text(self) != $0.text(other) && $0.text(own) != $0.text(others) }
      .map { Difference(setting: $0.path, text: "\($0.path): \($0.text(self)), \($0.text(other))") }
  }

  /// The differences that matter to a model that has parameters: all of `model` but how first values are drawn.
  func modelDifferences(from other: Configuration) -> [Difference] {
    differences(from: other, sections: ["model"]).filter {
      $0.setting != "model.initial_deviation" && $0.setting != "model.embedding_deviation"
    }
  }
}

extension Configuration: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    try self.init(yaml: text, at: "configuration")
  }

  /// One string of YAML: a checkpoint holds the configuration in the form users write it.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(yaml())
  }
}
