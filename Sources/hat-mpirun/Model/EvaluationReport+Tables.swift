import HATCore

extension EvaluationReport {
  func show() {
    show(own)
    if let comparison {
      print("against \(comparison.against.checkpoint)")
      show(comparison.against)
      show(comparison)
    }
    let counts = own.clean.counts.map { "\(Amount.grouped($0.value)) \(Self.spoken($0.name))" }
    print(
      "  over \(Amount.grouped(own.clean.units)) \(kind == "text" ? "documents" : "questions"): "
        + counts.joined(separator: ", "))
  }

  private func show(_ side: Side) {
    print("step \(side.step)")
    TextTable.show(rows(side))
  }

  private func rows(_ side: Side) -> [[String]] {
    guard let perturbed = side.perturbed, let drops = side.drops, let perturbation else {
      return [["", "", "95 % interval"]] + side.clean.figures.map { [Self.spoken($0.name)] + Self.cells($0) }
    }
    let heading = ["", "unperturbed", "", perturbation.kind.name, "", "relative drop", ""]
    return [heading]
      + drops.indices.map { index in
        [Self.spoken(drops[index].name)] + Self.cells(side.clean.figures[index])
          + Self.cells(perturbed.figures[index]) + Self.cells(drops[index], percent: true)
      }
  }

  private func show(_ comparison: Comparison) {
    print(
      "the first less the second"
        + (comparison.dropRatios == nil ? "" : ", and the second's drop by the first's"))
    TextTable.show(
      comparison.differences.indices.map { index in
        let difference = comparison.differences[index]
        return [Self.spoken(difference.name)] + Self.cells(difference)
          + (comparison.dropRatios.map { Self.cells($0[index], plain: true) } ?? [])
      })
  }

  private static func spoken(_ name: String) -> String {
    name.replacing("_", with: " ")
  }

  private static func cells(
    _ figure: Measurement.Figure, percent: Bool = false, plain: Bool = false
  ) -> [String] {
    let isShare = percent || !plain && (figure.name.contains("accuracy") || figure.name == "preference")
    func text(_ value: Double) -> String {
      isShare ? Amount.fixed(100 * value, 2) + "%" : Amount.fixed(value, 4)
    }
    return [
      figure.value.isFinite ? text(figure.value) : "none",
      figure.interval.map { "\(text($0.lowerBound)) to \(text($0.upperBound))" } ?? "none",
    ]
  }
}
