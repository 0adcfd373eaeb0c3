import HATCore
import HATText
import Testing

@Suite struct PaperSizeTests {
  /// Backbone layers and heads, byte layers and heads, and millions of parameters in the blocks of backbone and of
  /// encoder or decoder with its projection (model.md §7).
  @Test(arguments: [
    (18, 18, 3, 6, 1147.0, 23.0), (28, 28, 3, 6, 4316.0, 24.0), (36, 36, 4, 8, 9173.0, 55.1),
  ])
  func parametersMatchThePaper(
    layers: Int, heads: Int, byteLayers: Int, byteHeads: Int, backbone: Double, byteModule: Double
  ) throws {
    var model = ModelConfiguration()
    (model.layers, model.headSize, model.width) = (layers, 128, heads * 128)
    (model.encoderLayers, model.decoderLayers) = (byteLayers, byteLayers)
    (model.byteHeadSize, model.byteWidth) = (128, byteHeads * 128)
    let counts = Dictionary(
      uniqueKeysWithValues: ModuleParameters.all(of: ParameterLayout(model)).map {
        ($0.name, Double($0.count) / 1e6)
      })
    // The paper's 12·D² a block takes 8/3·D for the MLP width; the default rule rounds that up to a multiple of 32.
    #expect(abs(counts["backbone"]! / backbone - 1) < 0.006)
    #expect(abs(counts["encoder"]! / byteModule - 1) < 0.006)
    let head = Double(256 * model.byteWidth) / 1e6
    #expect(abs((counts["decoder"]! - head) / byteModule - 1) < 0.006)
  }
}

@Suite struct ModelCostTests {
  @Test func batchesCostWhatTheirProductsDo() {
    var model = ModelConfiguration()
    (model.byteWidth, model.byteHeadSize, model.byteMLPHidden) = (4, 2, 8)
    (model.encoderLayers, model.decoderLayers, model.layers) = (1, 1, 1)
    (model.width, model.headSize, model.mlpHidden) = (8, 4, 16)
    // [S] ab | ab [S]: inputs [S] (2 rows) and ab (3 rows), targets ab (3 positions) and [S] (1 position).
    let batch = Batch.document([Array("ab".utf8)])
    let byteBlock = 2.0 * (4 * 4 * 4 + 3 * 4 * 8)
    let block = 2.0 * (4 * 8 * 8 + 3 * 8 * 16)
    let encoder = 5 * byteBlock + 4 * 4 * (2 * 2 + 3 * 3) + 2 * 2 * 8 * 4
    let backbone = 2 * block + 4 * 8 * 3
    let decoder = 4 * (byteBlock + 2 * 256 * 4) + 4 * 4 * (6 + 1) + 2 * 2 * 8 * 4
    #expect(ModelCost(model).forward(batch) == encoder + backbone + decoder)
  }
}
