/// Parameters of each module (model.md §7): how large a model is, and where.
public struct ModuleParameters: Sendable, Equatable {
  public let name: String
  public private(set) var count: Int

  /// In the order of the layout: byte embedding, encoder, backbone and decoder, or token embedding, backbone and head.
  /// A module's input or output projection counts with it.
  public static func all(of layout: ParameterLayout) -> [ModuleParameters] {
    layout.tensors.reduce(into: []) { modules, tensor in
      let name = String(tensor.name.prefix { $0 != "." })
      if modules.last?.name != name { modules.append(ModuleParameters(name: name, count: 0)) }
      modules[modules.count - 1].count += tensor.range.count
    }
  }
}
