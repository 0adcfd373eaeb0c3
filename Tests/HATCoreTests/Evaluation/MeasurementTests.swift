import HATText
import TestSupport
import Testing

@testable import HATCore

@Suite struct MeasurementTests {
  private func choices(right: Int, of count: Int) -> [ChoiceTally] {
    (0..<count).map { index in
      var tally = ChoiceTally()
      tally.questions = 1
      tally.correct = index < right ? 1 : 0
      return tally
    }
  }

  @Test func figuresAreOfTheSums() {
    let measurement = Measurement(choices(right: 30, of: 40))
    #expect(measurement.units == 40)
    #expect(measurement.figures.map(\.name) == ["accuracy", "accuracy_per_byte"])
    #expect(measurement.figures.map(\.value) == [0.75, 0])
    #expect(
      measurement.counts == [Count("questions", 40), Count("correct", 30), Count("correct_per_byte", 0)])
  }

  /// Of 400 independent answers, half of them right, the share has a standard deviation of 0.025.
  @Test func intervalsAreAsWideAsTheNormalOnes() throws {
    let interval = try #require(Measurement(choices(right: 200, of: 400)).figures[0].interval)
    #expect(abs(interval.lowerBound - (0.5 - 1.96 * 0.025)) < 0.008)
    #expect(abs(interval.upperBound - (0.5 + 1.96 * 0.025)) < 0.008)
  }

  /// A document of a thousand bytes counts a thousand times one of a byte, and is drawn as often.
  @Test func documentsAreDrawnWhole() throws {
    func document(bytes: Int, correct: Int) -> TextTally {
      var tally = TextTally()
      (tally.sum.textBytes, tally.sum.spelledBytes, tally.sum.correctBytes) = (bytes, bytes, correct)
      (tally.sum.words, tally.sum.targetPositions) = (1, bytes + 1)
      return tally
    }
    let documents = [document(bytes: 1000, correct: 1000), document(bytes: 1, correct: 0)]
    let figure = try #require(Measurement(documents).figures.first { $0.name == "byte_accuracy" })
    #expect(abs(figure.value - 1000 / 1001) < 1e-12)
    // A quarter of the draws has the short document alone.
    #expect(figure.interval == 0...1)
  }

  @Test func intervalsAreRepeatable() {
    #expect(Measurement(choices(right: 3, of: 17)) == Measurement(choices(right: 3, of: 17)))
  }

  @Test func oneUnitHasNoInterval() {
    #expect(Measurement(choices(right: 1, of: 1)).figures.allSatisfy { $0.interval == nil })
  }

  @Test func dropsAreSharesOfTheCleanValue() {
    let drops = Measurement.relativeDrops(
      clean: choices(right: 8, of: 10), perturbed: choices(right: 6, of: 10))
    #expect(abs(drops[0].value - 0.25) < 1e-12)
    #expect(drops[0].interval != nil)
    #expect(!drops[1].value.isFinite, "nothing can be lost of nothing")

    var (clean, perturbed) = (TextTally(), TextTally())
    (clean.sum.nats, clean.sum.textBytes) = (2, 1)
    (perturbed.sum.nats, perturbed.sum.textBytes) = (3, 1)
    let bits = Measurement.relativeDrops(clean: [clean], perturbed: [perturbed])[0]
    #expect(bits.name == "bits_per_byte" && abs(bits.value - 0.5) < 1e-12)
  }

  @Test func dropsOfUnchangedUnitsAreNothing() {
    let units = choices(right: 9, of: 10)
    let drop = Measurement.relativeDrops(clean: units, perturbed: units)[0]
    #expect(drop.value == 0 && drop.interval == 0...0)
  }
}
