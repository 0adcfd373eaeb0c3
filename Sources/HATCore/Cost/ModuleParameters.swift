/// Parameters of each module (model.md §7): how large a model is, and where.
public struct ModuleParameters: Sendable {
  public let name: String
  public let count: Int

  /// What tensors' names begin with, in the order of the layout: byte embedding, encoder, backbone, decoder; of the
  /// baseline token embedding, backbone, head. A module's input or output projection counts with it.
  public static func all(of layout: ParameterLayout) -> [ModuleParameters] {
    layout.tensors.reduce(into: []) { modules, tensor in
      let name = String(tensor.name.prefix { $0 != "." })
      let before = modules.last?.name == name ? modules.removeLast().count : 0
      modules.append(ModuleParameters(name: name, count: before + tensor.range.count))
    }
  }
}
