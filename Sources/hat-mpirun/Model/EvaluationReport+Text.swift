import HATCore
import HATTerminal

/// The report as people read it, in 80 columns.
extension EvaluationReport {
  func show() {
    show(own)
    if let comparison {
      print("against \(comparison.against.checkpoint)")
      show(comparison.against)
      show(comparison)
    }
    let counts = own.clean.counts.map { "\(Amount.grouped($0.value)) \(Self.spoken($0.name))" }
    Paragraph.show("over \(Amount.grouped(own.clean.units)) \(units): " + counts.joined(separator: ", "))
    if own.clean.figures.contains(where: { $0.name == "mark_bits_per_byte" }) {
      print("  mark bits: what it costs to say where words and documents end")
    }
  }

  private var units: String { kind == "text" ? "documents" : "questions" }

  private func show(_ side: Side) {
    print("step \(side.step)")
    TextTable.show(rows(side))
  }

  /// With a perturbation, a figure has its intervals on a line of their own.
  private func rows(_ side: Side) -> [[String]] {
    guard let perturbed = side.perturbed, let drops = side.drops, let perturbation else {
      return [["", "", "95 % interval"]]
        + side.clean.figures.map { [Self.spoken($0.name), Self.value($0), interval($0)] }
    }
    return [["", "unperturbed", perturbation.kind.name, "relative drop"]]
      + drops.indices.flatMap { index in
        let (clean, changed) = (side.clean.figures[index], perturbed.figures[index])
        return [
          [
            Self.spoken(clean.name), Self.value(clean), Self.value(changed),
            Self.value(drops[index], as: .percent),
          ],
          ["", interval(clean), interval(changed), interval(drops[index], as: .percent)],
        ]
      }
  }

  private func show(_ comparison: Comparison) {
    print(
      "difference (first minus second)"
        + (comparison.dropRatios == nil ? "" : ", and ratio of drops (second to first)"))
    TextTable.show(
      comparison.differences.indices.map { index in
        let difference = comparison.differences[index]
        return [Self.spoken(difference.name), Self.value(difference), interval(difference)]
          + (comparison.dropRatios.map {
            [Self.value($0[index], as: .number), interval($0[index], as: .number)]
          } ?? [])
      })
    for sentence in verdict(comparison) { Paragraph.show(sentence) }
  }

  /// Which model is better in what, and which differences may be chance.
  private func verdict(_ comparison: Comparison) -> [String] {
    let names = Dictionary(grouping: comparison.differences, by: Verdict.init).mapValues {
      $0.map { Self.spoken($0.name) }.joined(separator: ", ")
    }
    return [
      names[.better].map { "\(own.checkpoint) is better in \($0)" },
      names[.worse].map { "\(comparison.against.checkpoint) is better in \($0)" },
      names[.open].map { "undecided, since the interval holds 0: \($0)" },
    ].compactMap(\.self)
  }

  private enum Verdict {
    case better, worse, open

    init(_ difference: Measurement.Figure) {
      guard let interval = difference.interval, !interval.contains(0) else {
        self = .open
        return
      }
      self = (interval.lowerBound > 0) == (difference.better == .more) ? .better : .worse
    }
  }

  private static func spoken(_ name: String) -> String { name.replacing("_", with: " ") }
}

extension EvaluationReport {
  private enum Style { case number, percent }

  private static func style(of figure: Measurement.Figure) -> Style {
    figure.name.contains("accuracy") || figure.name == "preference" ? .percent : .number
  }

  private static func value(_ figure: Measurement.Figure, as style: Style? = nil) -> String {
    figure.value.isFinite ? text(figure.value, style ?? self.style(of: figure)) : "none"
  }

  private func interval(_ figure: Measurement.Figure, as style: Style? = nil) -> String {
    guard let interval = figure.interval else {
      return own.clean.units < 2 ? "needs two \(units)" : "none"
    }
    let style = style ?? Self.style(of: figure)
    return "\(Self.text(interval.lowerBound, style)) to \(Self.text(interval.upperBound, style))"
  }

  private static func text(_ value: Double, _ style: Style) -> String {
    let number = style == .percent ? 100 * value : value
    // Perplexities may be.
    if abs(number) >= 1e6 { return Amount.exponential(number) }
    return style == .percent ? Amount.fixed(number, 2) + "%" : Amount.fixed(number, 4)
  }
}
