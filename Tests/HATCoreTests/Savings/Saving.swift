/// What the structure of the model saves (model.md §9).
enum Saving: String, CaseIterable {
  case distinctWords = "each distinct word once"
  case leadingRows = "last encoder block at [W]"
  case rowTable = "first block from a table"

  /// Those that a module has.
  static func all(of module: TileRun.Module) -> Set<Saving> {
    module == .encoder ? Set(allCases) : [.rowTable]
  }
}
