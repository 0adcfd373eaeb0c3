/// Parameters of each module (model.md §7): how large a model is, and where.
public struct ModuleParameters: Sendable {
  public let name: String
  public let count: Int

  /// Byte embedding, encoder, backbone, decoder, in the order of the layout. A module's input or output
  /// projection counts with it.
  public static func all(of layout: ParameterLayout) -> [ModuleParameters] {
    ["byte_embedding", "encoder", "backbone", "decoder"].map { module in
      let tensors = layout.tensors.filter { $0.name.hasPrefix("\(module).") }
      return ModuleParameters(name: module, count: tensors.reduce(0) { $0 + $1.range.count })
    }
  }
}
