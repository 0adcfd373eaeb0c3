import Testing

@testable import HATCore

@Suite struct ScalingLawTests {
  private let law = ScalingLaw(
    coefficients: .init(floor: 0.9, size: 0.4, sizeExponent: 0.5, text: 0.6, textExponent: 0.25),
    resampled: (0...20).map {
      .init(floor: 0.8 + 0.01 * Double($0), size: 0.4, sizeExponent: 0.5, text: 0.6, textExponent: 0.25)
    }, residualDeviation: 0, flopsPerByte: 1e6...1e7, textBytes: 1e6...1e8)

  private let flops = ScalingLaw.referenceFlopsPerByte
  private let bytes = ScalingLaw.referenceTextBytes

  @Test func sizeAndTextLowerTheLossByTheirPowers() {
    #expect(abs(law.bitsPerByte(flopsPerByte: flops, textBytes: bytes) - 1.9) < 1e-12)
    #expect(abs(law.bitsPerByte(flopsPerByte: 4 * flops, textBytes: bytes) - 1.7) < 1e-12)
    #expect(abs(law.bitsPerByte(flopsPerByte: flops, textBytes: 16 * bytes) - 1.6) < 1e-12)
  }

  @Test func theIntervalIsOfTheResampledLawsAndOfTheRunsAroundThem() {
    let interval = law.prediction(flopsPerByte: flops, textBytes: bytes).interval
    #expect(abs(interval.lowerBound - 1.81) < 1e-12 && abs(interval.upperBound - 1.99) < 1e-12)
    let scattered = ScalingLaw(
      coefficients: law.coefficients, resampled: law.resampled, residualDeviation: 0.12 / 1.645,
      flopsPerByte: law.flopsPerByte, textBytes: law.textBytes)
    let wider = scattered.prediction(flopsPerByte: flops, textBytes: bytes).interval
    #expect(abs(wider.lowerBound - 1.75) < 1e-12 && abs(wider.upperBound - 2.05) < 1e-12)
  }

  @Test func saysHowFarOutsideTheRunsItIs() {
    func outside(_ flops: Double, _ bytes: Double) -> ScalingLaw.Extrapolation {
      law.extrapolation(flopsPerByte: flops, textBytes: bytes)
    }
    #expect(outside(2e6, 1e8) == .init(flopsPerByte: 1, text: 1))
    #expect(outside(3e7, 5e5) == .init(flopsPerByte: 3, text: 0.5))
  }

  /// Whatever the runs gave: the dial relies on it.
  @Test(arguments: [ScalingLaw.hierarchical, .subword]) func theFittedLawsFall(law: ScalingLaw) {
    #expect(law.coefficients.size > 0 && law.coefficients.text > 0)
    for fit in [law.coefficients] + law.resampled {
      #expect(fit.floor >= 0 && fit.size >= 0 && fit.sizeExponent > 0)
      #expect(fit.text >= 0 && fit.textExponent > 0)
    }
    #expect(law.residualDeviation >= 0)
  }
}

@Suite struct ModelSizeTests {
  @Test func everySizeIsPossibleAndCostsMoreThanTheOneBefore() throws {
    var before: (cost: Double, backbone: Int)?
    for size in ModelSize.ladder {
      var configuration = Configuration()
      size.apply(to: &configuration.model)
      try configuration.validate(at: size.name)
      let cost = AssumedText.english.forwardPerByte(configuration)
      let backbone = configuration.model.layers * configuration.model.backbone.blockMatrixParameters
      if let before {
        #expect(1.2...2.6 ~= cost / before.cost, "\(size.name): \(cost / before.cost) times")
        #expect(backbone > before.backbone)
      }
      before = (cost, backbone)
    }
    #expect(Set(ModelSize.ladder.map(\.name)).count == ModelSize.ladder.count)
  }
}
