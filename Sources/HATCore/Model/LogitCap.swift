import HATKernels

/// The soft cap on the logits of a head (docs/model.md §4), for a tile of rows at a time. Legend: R rows, V symbols.
struct LogitCap {
  private let cap: Float
  /// [R, V]: of the logits the last `apply` has kept them for.
  private let slopes: ArenaMatrix
  private let arena: Arena
  private let kernels: ModelKernels

  /// nil for a cap of 0, which is none.
  /// - Parameters:
  ///   - rows: of a tile, at most.
  ///   - columns: V.
  init?(_ cap: Double, rows: Int, columns: Int, arena: Arena, kernels: ModelKernels) {
    guard cap > 0 else { return nil }
    (self.cap, self.arena, self.kernels) = (Float(cap), arena, kernels)
    slopes = arena.reserve(rows: rows, columns: columns)
  }

  /// Caps logits [R, V] in place.
  func apply(_ logits: MatrixView) {
    kernels.cap(logits, cap, slopes: arena.view(slopes, rows: logits.rows))
  }

  /// Turns the gradient by the capped logits of the last `apply` into that by the logits before, in place.
  func differentiate(_ gradient: MatrixView) {
    kernels.capBackward(gradient, slopes: arena.view(slopes, rows: gradient.rows))
  }
}
